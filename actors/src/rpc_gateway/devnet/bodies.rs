//! What stands in the bodies of orders. A field too many is refused as one too few: a typing error is
//! no order.
use super::{Blame, NotDone, Order, TimeChange, Wires};
use crate::rpc_gateway::json::unhex;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::limits::{RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX, VALIDATORS_MAX};
use lockstep_protocol::types::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The longest block time that may be set, a day: a longer one is manual in all but name.
const BLOCK_TIME_MS_MAX: u64 = 24 * 3_600 * 1_000;
/// The longest delay of a link: by then every patience of a node is over.
const DELAY_MS_MAX: u64 = 60_000;

/// A body that is an order.
pub(in crate::rpc_gateway) trait Body: DeserializeOwned {
    fn order(self) -> Result<Order, NotDone>;
}

/// Reads one; no bytes are an empty object.
pub(super) fn read<B: Body>(bytes: &[u8]) -> Result<Order, NotDone> {
    let bytes = bytes.trim_ascii_start();
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let malformed = |why: &dyn std::fmt::Display| {
        let sentence = format!("{why}: docs/operate/devnet.md has the body of each order");
        wrong("malformed", sentence)
    };
    // The library takes a list for an object as well: its values in the order of the fields.
    if !bytes.starts_with(b"{") {
        return Err(malformed(&"the body is no JSON object"));
    }
    let body: B = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    body.order()
}

fn wrong(code: &'static str, message: impl Into<String>) -> NotDone {
    NotDone::new(Blame::Order, code, message)
}

/// A body with nothing in it: some orders have that.
macro_rules! empty {
    ($($name:ident => $order:expr),*) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::rpc_gateway) struct $name {}

        impl Body for $name {
            fn order(self) -> Result<Order, NotDone> {
                Ok($order)
            }
        }
    )*};
}
empty! { Tick => Order::Tick, Heal => Order::Heal, Snapshot => Order::Snapshot }

/// A body that names a node.
macro_rules! of_a_node {
    ($($name:ident),*) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::rpc_gateway) struct $name {
            node: usize,
        }

        impl Body for $name {
            fn order(self) -> Result<Order, NotDone> {
                Ok(Order::$name(self.node))
            }
        }
    )*};
}
of_a_node! { Stop, Kill, Restart }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Pace {
    /// `null` has to be written: left out, it may be a typing error.
    #[serde(deserialize_with = "Option::deserialize")]
    block_time_ms: Option<u64>,
}

impl Body for Pace {
    fn order(self) -> Result<Order, NotDone> {
        match self.block_time_ms {
            None => Ok(Order::Pace(Pacing::Manual)),
            Some(ms) if ms <= BLOCK_TIME_MS_MAX => Ok(Order::Pace(Pacing::Interval(ms))),
            Some(_) => {
                let sentence =
                    format!("a block time has at most {BLOCK_TIME_MS_MAX} ms; null: by hand");
                Err(wrong("bad_block_time", sentence))
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Revert {
    snapshot: u64,
}

impl Body for Revert {
    fn order(self) -> Result<Order, NotDone> {
        Ok(Order::Revert(self.snapshot))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Time {
    set_ms: Option<u64>,
    add_ms: Option<u64>,
    next_block_ms: Option<u64>,
}

impl Body for Time {
    fn order(self) -> Result<Order, NotDone> {
        let change = match (self.set_ms, self.add_ms, self.next_block_ms) {
            (Some(ms), None, None) => TimeChange::Set(Timestamp(ms)),
            (None, Some(ms), None) => TimeChange::Add(ms),
            (None, None, Some(ms)) => TimeChange::NextBlock(Timestamp(ms)),
            _ => {
                let sentence = "name one of set_ms, add_ms and next_block_ms: milliseconds since 1970, \
                                or with add_ms from now";
                return Err(wrong("bad_time", sentence));
            }
        };
        Ok(Order::Time(change))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Partition {
    groups: Vec<Vec<usize>>,
}

impl Body for Partition {
    fn order(self) -> Result<Order, NotDone> {
        let mut named: Vec<usize> = self.groups.iter().flatten().copied().collect();
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        let is_good = !self.groups.is_empty()
            && self.groups.iter().all(|group| !group.is_empty())
            && named.len() == all
            && all <= VALIDATORS_MAX;
        if is_good {
            return Ok(Order::Partition(self.groups));
        }
        let sentence = "groups are lists of nodes, none of them empty, and each node in one at most: \
                        [[0,1],[2,3]]; a node that is named in none is alone";
        Err(wrong("bad_groups", sentence))
    }
}

fn wires(from: Option<usize>, to: Option<usize>) -> Result<Wires, NotDone> {
    match (from, to) {
        (None, None) => Ok(Wires::All),
        (Some(from), Some(to)) if from != to => Ok(Wires::One(from, to)),
        _ => {
            let sentence = "name both ends of a link, two different nodes, or neither: all links";
            Err(wrong("bad_link", sentence))
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Delay {
    ms: u64,
    from: Option<usize>,
    to: Option<usize>,
}

impl Body for Delay {
    fn order(self) -> Result<Order, NotDone> {
        if self.ms > DELAY_MS_MAX {
            let sentence = format!("a link takes at most {DELAY_MS_MAX} ms longer");
            return Err(wrong("bad_delay", sentence));
        }
        Ok(Order::Delay(wires(self.from, self.to)?, self.ms))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Loss {
    per_thousand: u64,
    from: Option<usize>,
    to: Option<usize>,
}

impl Body for Loss {
    fn order(self) -> Result<Order, NotDone> {
        if self.per_thousand > 1_000 {
            return Err(wrong(
                "bad_share",
                "of a thousand requests 0 to 1000 are lost",
            ));
        }
        Ok(Order::Drop(wires(self.from, self.to)?, self.per_thousand))
    }
}

fn amount(text: &str) -> Result<u64, NotDone> {
    let is_amount = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = is_amount.then(|| text.parse().ok()).flatten();
    amount.ok_or_else(|| {
        let sentence = "an amount is decimal digits in quotation marks, below 2^64: \"5\"";
        wrong("bad_amount", sentence)
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Transfer {
    from: String,
    to: String,
    amount: String,
}

impl Body for Transfer {
    fn order(self) -> Result<Order, NotDone> {
        let amount = amount(&self.amount)?;
        let (from, to) = (self.from, self.to);
        Ok(Order::Transfer { from, to, amount })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Faucet {
    to: String,
    amount: String,
}

impl Body for Faucet {
    fn order(self) -> Result<Order, NotDone> {
        let amount = amount(&self.amount)?;
        Ok(Order::Faucet {
            to: self.to,
            amount,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Record {
    from: String,
    /// A text, or `0x` and hex digits.
    key: String,
    value: String,
}

impl Body for Record {
    fn order(self) -> Result<Order, NotDone> {
        let key = match self.key.starts_with("0x") {
            true => unhex(&self.key).ok_or_else(|| {
                wrong(
                    "bad_key",
                    "behind 0x a key has an even number of hex digits",
                )
            })?,
            false => self.key.into_bytes(),
        };
        if key.is_empty() || key.len() > RECORD_KEY_BYTES_MAX {
            let sentence = format!("a key has 1 to {RECORD_KEY_BYTES_MAX} bytes");
            return Err(wrong("bad_key", sentence));
        }
        let value = self.value.into_bytes();
        if value.len() > RECORD_VALUE_BYTES_MAX {
            let sentence = format!("a record holds at most {RECORD_VALUE_BYTES_MAX} bytes");
            return Err(wrong("bad_value", sentence));
        }
        let from = self.from;
        Ok(Order::Record { from, key, value })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rpc_gateway) struct Panic {
    node: usize,
    actor: String,
}

impl Body for Panic {
    fn order(self) -> Result<Order, NotDone> {
        let Panic { node, actor } = self;
        Ok(Order::Panic { node, actor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order<B: Body>(text: &str) -> Result<Order, &'static str> {
        read::<B>(text.as_bytes()).map_err(|not_done| not_done.code)
    }

    #[test]
    fn a_body_is_an_object_with_exactly_the_fields_of_its_order() {
        assert_eq!(order::<Tick>(""), Ok(Order::Tick));
        assert_eq!(order::<Heal>(" {} "), Ok(Order::Heal));
        assert_eq!(order::<Kill>("{\"node\":3}"), Ok(Order::Kill(3)));
        for wrong in [
            "",
            "{}",
            "[3]",
            "3",
            "null",
            "{\"node\":3,\"node\":4}",
            "{\"node\":3,\"now\":1}",
            "{\"node\":3}x",
            "{\"node\":3.5}",
            "{\"Node\":3}",
        ] {
            assert_eq!(order::<Kill>(wrong), Err("malformed"), "{wrong}");
        }
    }

    #[test]
    fn by_hand_has_to_be_said() {
        let by_hand = order::<Pace>("{\"block_time_ms\":null}");
        assert_eq!(by_hand, Ok(Order::Pace(Pacing::Manual)));
        assert_eq!(order::<Pace>("{}"), Err("malformed"));
        let longest = format!("{{\"block_time_ms\":{BLOCK_TIME_MS_MAX}}}");
        let interval = Pacing::Interval(BLOCK_TIME_MS_MAX);
        assert_eq!(order::<Pace>(&longest), Ok(Order::Pace(interval)));
    }

    #[test]
    fn a_clock_is_changed_in_one_way_at_a_time() {
        let time = order::<Time>;
        let later = Ok(Order::Time(TimeChange::Add(5)));
        assert_eq!(time("{\"add_ms\":5}"), later);
        let set = Ok(Order::Time(TimeChange::Set(Timestamp(7))));
        assert_eq!(time("{\"set_ms\":7}"), set);
        let next = Ok(Order::Time(TimeChange::NextBlock(Timestamp(9))));
        assert_eq!(time("{\"next_block_ms\":9}"), next);
        for wrong in ["{}", "{\"add_ms\":5,\"set_ms\":7}"] {
            assert_eq!(time(wrong), Err("bad_time"), "{wrong}");
        }
        assert_eq!(
            time("{\"add_ms\":-5}"),
            Err("malformed"),
            "it never goes back"
        );
    }

    #[test]
    fn a_link_has_two_ends_or_is_every_link() {
        let of = |ends: &str| order::<Delay>(&format!("{{\"ms\":5{ends}}}"));
        assert_eq!(of(""), Ok(Order::Delay(Wires::All, 5)));
        assert_eq!(
            of(",\"from\":0,\"to\":2"),
            Ok(Order::Delay(Wires::One(0, 2), 5))
        );
        for wrong in [",\"from\":0", ",\"to\":0", ",\"from\":1,\"to\":1"] {
            assert_eq!(of(wrong), Err("bad_link"), "{wrong}");
        }
    }
}
