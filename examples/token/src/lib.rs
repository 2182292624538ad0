//! A token: the genesis mints it, whoever holds some moves it. Balances stand under the addresses of
//! their owners, as eight bytes, the highest first.
use lockstep_protocol::application::{
    AppState, AppView, Application, BlockContext, Call, Failed, QueryRefused, Refused, Stopped,
};

/// The application.
pub struct Token;

/// The sender holds less than it would move.
pub const TOO_LITTLE: Failed = Failed::code(1);
/// The receiver's balance would not fit into 64 bits.
pub const TOO_MUCH: Failed = Failed::code(2);

/// A call: the receiver, then the amount.
pub fn transfer(to: [u8; 20], amount: u64) -> Vec<u8> {
    [&to[..], &amount.to_be_bytes()].concat()
}

fn parse(call: &[u8]) -> Option<([u8; 20], u64)> {
    let (to, amount) = call.split_first_chunk::<20>()?;
    Some((*to, u64::from_be_bytes(amount.try_into().ok()?)))
}

fn amount(value: Option<Vec<u8>>) -> u64 {
    value
        .and_then(|value| value.try_into().ok())
        .map_or(0, u64::from_be_bytes)
}

fn balance(state: &AppState<'_>, of: &[u8; 20]) -> Result<u64, Stopped> {
    state.get(of).map(amount)
}

impl Application for Token {
    fn name(&self) -> &str {
        "token"
    }

    fn version(&self) -> u32 {
        1
    }

    /// The document is a list of calls' data: to whom, and how much.
    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        for minted in document.chunks(28) {
            let (to, amount) = parse(minted).ok_or("it is no list of addresses with amounts")?;
            state.set(to, amount.to_be_bytes())?;
        }
        Ok(())
    }

    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        parse(call)
            .map(|_| ())
            .ok_or_else(|| "a transfer is an address and an amount".into())
    }

    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        let (to, amount) = parse(call.data).ok_or(TOO_LITTLE)?;
        let from = call.sender.0;
        let left = balance(state, &from)?
            .checked_sub(amount)
            .ok_or(TOO_LITTLE)?;
        state.set(from, left.to_be_bytes())?;
        let held = balance(state, &to)?.checked_add(amount).ok_or(TOO_MUCH)?;
        state.set(to, held.to_be_bytes())?;
        Ok(state.emit("moved", [&from[..], call.data].concat())?)
    }

    /// `balance` of an address.
    fn query(&self, view: &AppView<'_>, path: &str, of: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        match path {
            "balance" => Ok(amount(view.get(of)?).to_be_bytes().into()),
            _ => Err("ask for the balance of an address".into()),
        }
    }
}
