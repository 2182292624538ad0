//! The actors' counters as OpenMetrics families, read at each scrape.
use crate::runtime::{Actors, Stats};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// One row per actor; handling times as a summary of what [`Stats`] keeps.
#[derive(Debug)]
pub(super) struct ActorCollector(pub(super) Actors);

type Read = fn(&Stats) -> u64;

const COUNTERS: [(&str, &str, Read); 3] = [
    (
        "actor_refused",
        "Messages that a full mailbox refused",
        Stats::refused,
    ),
    ("actor_panics", "Panics caught", Stats::panics),
    ("actor_restarts", "Restarts after a panic", Stats::restarts),
];

const GAUGES: [(&str, &str, Read); 2] = [
    ("actor_mailbox_depth", "Messages waiting", |stats| {
        stats.depth() as u64
    }),
    ("actor_mailbox_limit", "Messages that may wait", |stats| {
        stats.limit() as u64
    }),
];

impl Collector for ActorCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        for (name, help, read) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for actor in &stats {
                let labels = [("actor", actor.name())];
                ConstCounter::new(read(actor)).encode(family.encode_family(&labels)?)?;
            }
        }
        for (name, help, read) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for actor in &stats {
                let labels = [("actor", actor.name())];
                let value = i64::try_from(read(actor)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        messages(&stats, &mut encoder)
    }
}

fn messages(
    stats: &[std::sync::Arc<Stats>],
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), fmt::Error> {
    let help = "Messages handled";
    let mut family =
        encoder.encode_descriptor("actor_messages", help, None, MetricType::Counter)?;
    for actor in stats {
        for message in actor.messages() {
            let labels = [("actor", actor.name()), ("message", message.name())];
            let handled = message.handled().row().count();
            ConstCounter::new(handled).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
