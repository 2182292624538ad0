//! What a soak has measured, and whether that is small enough. Pure.
use serde::Serialize;

/// What the chain holds up to a height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Blocks {
    /// The newest.
    pub(super) height: u64,
    /// Canonical bytes of all blocks and their certificates.
    pub(super) bytes: u64,
    /// The pages that a store must fill for them: see [`pages`].
    pages: u64,
}

impl Blocks {
    /// The next one, by the lengths of its two records.
    pub(super) fn add(&mut self, height: u64, block: u64, certificate: u64) {
        self.height = height;
        self.bytes += block + certificate;
        self.pages += pages(block) + pages(certificate) + SMALL_RECORDS_PAGES;
    }
}

/// Of LMDB on every machine that this runs on.
const PAGE_BYTES: u64 = 4_096;
/// The head of a run of pages that holds one large value, and the seal at the value's end.
const RECORD_HEAD_BYTES: u64 = 16 + 8;
/// What a block adds besides: its keys in two trees, a short receipt for each transaction, and now
/// and then a page that splits in a tree of small records. Nothing else outlives its block.
const SMALL_RECORDS_PAGES: u64 = 1;

/// A value beyond half a page has a run of pages of its own: whatever is left in the last is lost.
fn pages(value: u64) -> u64 {
    (value + RECORD_HEAD_BYTES).div_ceil(PAGE_BYTES)
}

/// One look at the process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Since the beginning.
    pub(super) seconds: f64,
    /// Without the pages of mapped files: those are the system's to take back.
    pub(super) memory_bytes: u64,
    /// Open ones.
    pub(super) descriptors: u64,
    /// Of the process.
    pub(super) threads: u64,
    /// Of one node's directory.
    pub(super) disk_bytes: u64,
    /// The chain by then.
    pub(super) blocks: Blocks,
}

impl Sample {
    pub(super) fn in_words(&self) -> String {
        format!(
            "height {}, {:.1} MiB, {} descriptors, {:.0} MiB on disk",
            self.blocks.height,
            mib(self.memory_bytes as f64),
            self.descriptors,
            mib(self.disk_bytes as f64)
        )
    }
}

/// The part of a run in which caches fill, and which is not measured.
const WARM_UP_SHARE: f64 = 0.2;
/// Below this a slope says more about the allocator's last page than about an hour.
const SLOPE_JUDGED_FROM_SECONDS: f64 = 480.0;
/// P17.
const SLOPE_MIB_PER_HOUR_MAX: f64 = 1.0;

/// What a soak tells. Memory, descriptors and threads are of the whole process: four nodes.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    minutes: f64,
    heights: u64,
    transfers: u64,
    samples: usize,
    warm_up_minutes: f64,
    memory_first_mib: f64,
    memory_last_mib: f64,
    memory_slope_mib_per_hour: f64,
    /// The same by blocks instead of hours: a run with many blocks a second shows more of them.
    memory_slope_bytes_per_height: f64,
    /// Whether it ran long enough for the slope to mean something.
    memory_slope_is_judged: bool,
    descriptors_first: u64,
    descriptors_last: u64,
    /// The fewest in the last quarter. A leak never closes; connections that a busy hour opens do.
    descriptors_last_fewest: u64,
    threads_first: u64,
    threads_last: u64,
    threads_last_fewest: u64,
    block_bytes: f64,
    disk_bytes_per_block: f64,
    /// What whole pages make of `block_bytes`, with one page for all small records.
    disk_bytes_per_block_max: f64,
    disk_factor: f64,
    /// The bounds that do not hold; empty if it stays small.
    pub(super) broken: Vec<String>,
}

impl Report {
    /// `None` if there is nothing to compare: no two samples after the warm-up, or no block between.
    pub(super) fn of(samples: &[Sample], transfers: u64) -> Option<Report> {
        let seconds = samples.last()?.seconds;
        let warm = seconds * WARM_UP_SHARE;
        let measured: Vec<Sample> = samples
            .iter()
            .copied()
            .filter(|s| s.seconds >= warm)
            .collect();
        let (first, last) = (measured.first()?, measured.last()?);
        let blocks = last.blocks.height.checked_sub(first.blocks.height);
        let blocks = blocks.filter(|blocks| *blocks > 0)? as f64;
        let bytes = (last.blocks.bytes - first.blocks.bytes) as f64;
        let pages = (last.blocks.pages - first.blocks.pages) as f64;
        let disk = last.disk_bytes.saturating_sub(first.disk_bytes) as f64;
        let (early, late) = ends(&measured);
        let median = |of: &[Sample], what: fn(&Sample) -> u64| median(of.iter().map(what));
        let fewest = |of: &[Sample], what: fn(&Sample) -> u64| of.iter().map(what).min();
        let fewest = |of: &[Sample], what| fewest(of, what).unwrap_or(0);
        let memory = measured
            .iter()
            .map(|s| (s.seconds / 3_600.0, mib(s.memory_bytes as f64)));
        let by_height = measured
            .iter()
            .map(|s| (s.blocks.height as f64, s.memory_bytes as f64));
        let report = Report {
            minutes: seconds / 60.0,
            heights: last.blocks.height,
            transfers,
            samples: samples.len(),
            warm_up_minutes: warm / 60.0,
            memory_first_mib: mib(median(early, |s| s.memory_bytes) as f64),
            memory_last_mib: mib(median(late, |s| s.memory_bytes) as f64),
            memory_slope_mib_per_hour: slope(&memory.collect::<Vec<_>>()),
            memory_slope_bytes_per_height: slope(&by_height.collect::<Vec<_>>()),
            memory_slope_is_judged: last.seconds - first.seconds >= SLOPE_JUDGED_FROM_SECONDS,
            descriptors_first: median(early, |s| s.descriptors),
            descriptors_last: median(late, |s| s.descriptors),
            descriptors_last_fewest: fewest(late, |s| s.descriptors),
            threads_first: median(early, |s| s.threads),
            threads_last: median(late, |s| s.threads),
            threads_last_fewest: fewest(late, |s| s.threads),
            block_bytes: bytes / blocks,
            disk_bytes_per_block: disk / blocks,
            disk_bytes_per_block_max: pages * PAGE_BYTES as f64 / blocks,
            disk_factor: disk / bytes,
            broken: Vec::new(),
        };
        Some(Report {
            broken: report.broken(),
            ..report
        })
    }

    fn broken(&self) -> Vec<String> {
        let slope = self.memory_slope_mib_per_hour;
        let descriptors = self.descriptors_last_fewest;
        let threads = self.threads_last_fewest;
        let disk = (self.disk_bytes_per_block, self.disk_bytes_per_block_max);
        let bounds = [
            (
                self.memory_slope_is_judged && slope > SLOPE_MIB_PER_HOUR_MAX,
                format!("memory grows by {slope:.2} MiB/h (at most {SLOPE_MIB_PER_HOUR_MAX})"),
            ),
            (
                descriptors > self.descriptors_first,
                format!(
                    "{} open descriptors became {descriptors}",
                    self.descriptors_first
                ),
            ),
            (
                threads > self.threads_first,
                format!("{} threads became {threads}", self.threads_first),
            ),
            (
                disk.0 > disk.1,
                format!(
                    "the disk grows by {:.0} bytes per block (at most {:.0})",
                    disk.0, disk.1
                ),
            ),
        ];
        let broken = bounds.into_iter().filter(|(broken, _)| *broken);
        broken.map(|(_, sentence)| sentence).collect()
    }

    /// A table for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let judged = if self.memory_slope_is_judged {
            ""
        } else {
            " (too short a run to judge it)"
        };
        vec![
            format!(
                "4 nodes in one process for {:.1} min, {} samples, the first {:.1} min not measured",
                self.minutes, self.samples, self.warm_up_minutes
            ),
            format!(
                "heights          {:>10}   {} transfers",
                self.heights, self.transfers
            ),
            format!(
                "memory           {:>10.1} → {:.1} MiB, slope {:+.2} MiB/h, {:+.0} bytes per \
                 height{judged}",
                self.memory_first_mib,
                self.memory_last_mib,
                self.memory_slope_mib_per_hour,
                self.memory_slope_bytes_per_height
            ),
            format!(
                "descriptors      {:>10} → {}",
                self.descriptors_first, self.descriptors_last
            ),
            format!(
                "threads          {:>10} → {}",
                self.threads_first, self.threads_last
            ),
            format!(
                "block            {:>10.0} bytes with its certificate",
                self.block_bytes
            ),
            format!(
                "disk per block   {:>10.0} bytes, × {:.2} (at most {:.0}: whole pages)",
                self.disk_bytes_per_block, self.disk_factor, self.disk_bytes_per_block_max
            ),
        ]
    }
}

/// The first and the last quarter: what is renewed now and then (connections) averages out.
fn ends(samples: &[Sample]) -> (&[Sample], &[Sample]) {
    let quarter = samples.len().div_ceil(4);
    (&samples[..quarter], &samples[samples.len() - quarter..])
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The median of the slopes between any two points (Theil and Sen): a moment in which much was held
/// does not tilt it.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::new();
    for (index, one) in points.iter().enumerate() {
        let later = points[index + 1..].iter().filter(|other| other.0 > one.0);
        slopes.extend(later.map(|other| (other.1 - one.1) / (other.0 - one.0)));
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

fn mib(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;

    /// A sample each second; ten blocks of two pages and a certificate of one in each.
    fn samples(seconds: u64, change: impl Fn(u64, &mut Sample)) -> Vec<Sample> {
        let sample = |second: u64| {
            let mut blocks = Blocks::default();
            (1..=second * 10).for_each(|height| blocks.add(height, 8_000, 4_000));
            let mut sample = Sample {
                seconds: second as f64,
                memory_bytes: 100 << 20,
                descriptors: 80,
                threads: 9,
                disk_bytes: 4 * PAGE_BYTES * second * 10,
                blocks,
            };
            change(second, &mut sample);
            sample
        };
        (0..=seconds).map(sample).collect()
    }

    fn report(samples: &[Sample]) -> Report {
        Report::of(samples, 7).expect("something to compare")
    }

    #[test]
    fn what_stays_as_it_is_breaks_no_bound() {
        let report = report(&samples(12 * MINUTE, |_, _| ()));
        assert_eq!(report.broken, Vec::<String>::new());
        assert_eq!(report.memory_slope_mib_per_hour, 0.0);
        assert!(report.memory_slope_is_judged);
        assert_eq!((report.heights, report.transfers), (7_200, 7));
        assert_eq!(report.block_bytes, 12_000.0);
        assert_eq!(report.disk_bytes_per_block, 16_384.0);
    }

    #[test]
    fn two_mebibytes_an_hour_are_seen_between_two_bursts_and_what_caches_take_is_not() {
        let leak = samples(12 * MINUTE, |second, sample| {
            sample.memory_bytes += (second << 21) / 3_600;
            if second % 100 == 7 {
                sample.memory_bytes += 50 << 20;
            }
        });
        let leak = report(&leak);
        assert!(
            (leak.memory_slope_mib_per_hour - 2.0).abs() < 0.05,
            "{leak:?}"
        );
        assert_eq!(leak.broken.len(), 1, "{leak:?}");
        let caches = samples(12 * MINUTE, |second, sample| {
            sample.memory_bytes += second.min(2 * MINUTE) << 18;
        });
        assert_eq!(report(&caches).broken, Vec::<String>::new());
    }

    #[test]
    fn a_short_run_does_not_judge_the_slope_but_all_else() {
        let short = samples(2 * MINUTE, |second, sample| {
            sample.memory_bytes += second << 20;
            sample.descriptors += second / 30;
            sample.threads += second / 30;
            sample.disk_bytes *= 2;
        });
        let short = report(&short);
        assert!(!short.memory_slope_is_judged && short.memory_slope_mib_per_hour > 1.0);
        assert_eq!(short.broken.len(), 3, "{short:?}");
    }

    #[test]
    fn a_connection_that_is_renewed_is_no_leak() {
        let renewed = samples(12 * MINUTE, |second, sample| {
            sample.descriptors += u64::from(second % 60 == 0);
            if second > 8 * MINUTE {
                sample.descriptors += 10 * u64::from(second % 60 < 50);
            }
        });
        assert_eq!(report(&renewed).broken, Vec::<String>::new());
    }

    #[test]
    fn without_two_samples_and_a_block_between_there_is_nothing_to_tell() {
        assert!(Report::of(&[], 0).is_none());
        assert!(Report::of(&samples(0, |_, _| ()), 0).is_none());
        let still = samples(60, |_, sample| sample.blocks = Blocks::default());
        assert!(Report::of(&still, 0).is_none());
    }
}
