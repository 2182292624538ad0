//! Nothing is sent before its sign record is durable.
use super::{Property, Scene, Sight};

pub(super) struct DurableFirst;

impl Property for DurableFirst {
    fn name(&self) -> &'static str {
        "durable first"
    }

    fn see(&mut self, _: &Scene, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Said {
                node,
                statement,
                is_durable: false,
                ..
            } => Err(format!(
                "node {node} sends what is not durable: {statement:?}"
            )),
            _ => Ok(()),
        }
    }
}
