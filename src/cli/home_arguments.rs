//! What `lockstep init` and `lockstep testnet` understand alike.
use crate::failure::Failure;
use lockstep_protocol::nouns::genesis::GenesisAccount;
use lockstep_protocol::types::{Address, AddressError};

/// `--account ADDRESS=BALANCE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    address: Address,
    balance: u64,
}

impl Account {
    pub(crate) fn parse(text: &str) -> Result<Account, String> {
        let refuse = || format!("expected 0x…=1000, got {text:?}");
        let (address, balance) = text.split_once('=').ok_or_else(refuse)?;
        Ok(Account {
            address: address
                .parse()
                .map_err(|error: AddressError| format!("{error}; write 0x…=1000"))?,
            balance: balance.parse().map_err(|_| refuse())?,
        })
    }

    /// As the genesis has them, each once.
    pub(crate) fn of_genesis(accounts: &[Account]) -> Result<Vec<GenesisAccount>, Failure> {
        let mut list: Vec<GenesisAccount> = Vec::new();
        for Account { address, balance } in accounts.iter().cloned() {
            if list.iter().any(|account| account.address == address) {
                return Err(Failure::usage(format!(
                    "--account names {address} twice: give it one balance"
                )));
            }
            list.push(GenesisAccount { address, balance });
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_an_address_and_a_balance() {
        let address = Address([3; 20]);
        let account = Account::parse(&format!("{address}=7")).expect("an account");
        assert_eq!(
            account,
            Account {
                address,
                balance: 7
            }
        );
        let twice = [account.clone(), account];
        assert_eq!(Account::of_genesis(&twice).expect_err("twice").exit_code, 2);
        for wrong in [
            "",
            "=",
            "7",
            &format!("{address}="),
            &format!("{address}=-1"),
        ] {
            assert!(Account::parse(wrong).is_err(), "{wrong}");
        }
    }
}
