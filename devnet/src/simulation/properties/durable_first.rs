//! Nothing is sent before its sign record is durable.
use super::{Property, Scene, Sight};

pub(super) struct DurableFirst;

impl Property for DurableFirst {
    fn see(&mut self, _: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Said {
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
