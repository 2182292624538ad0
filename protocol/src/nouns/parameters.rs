//! What a chain decides for itself at genesis, beside its validators and accounts.
use borsh::{BorshDeserialize, BorshSerialize};

/// The numbers that the rules of one chain depend on; the genesis hash covers them. What is the
/// same for every chain stands in [`limits`](crate::limits).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What a transaction pays at least for each of its canonical bytes, in the chain's smallest
    /// unit. A block's bytes are what is scarce; 0 makes a chain without fees.
    pub fee_per_byte: u64,
}

impl Parameters {
    /// The least fee of a transaction of so many bytes.
    pub fn least_fee(&self, bytes: usize) -> u64 {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.fee_per_byte.saturating_mul(bytes)
    }
}

impl Default for Parameters {
    /// Of a devnet, and of a new chain that asks for nothing else.
    fn default() -> Parameters {
        Parameters { fee_per_byte: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_fee_grows_with_the_bytes_and_never_wraps() {
        let parameters = Parameters { fee_per_byte: 3 };
        assert_eq!(parameters.least_fee(0), 0);
        assert_eq!(parameters.least_fee(3_400), 10_200);
        let dear = Parameters {
            fee_per_byte: u64::MAX,
        };
        assert_eq!(dear.least_fee(2), u64::MAX);
    }
}
