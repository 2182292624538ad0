//! What a call comes to where no address has code, and what a transfer would cost.
use crate::rpc_gateway::json::ethereum::quantity;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::{Args, Call};
use lockstep_protocol::ledger;
use lockstep_protocol::limits::MEMO_BYTES_MAX;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::Height;
use serde_json::json;

const CREATES: &str = "a call without to would make one; send to an address";

/// Whoever calls an address without code gets nothing back.
pub(super) fn call(args: &Args) -> Answer {
    match args.call(0)?.to {
        Some(_) => Ok(json!("0x")),
        None => Err(RpcError::NoMachine(CREATES)),
    }
}

/// The bytes of a transfer, which are what is paid for: with the key of a sender that has none on
/// record yet.
pub(super) fn estimate_gas(caller: &Caller, args: &Args) -> Answer {
    let Call { from, to, data } = args.call(0)?;
    let to = to.ok_or(RpcError::NoMachine(CREATES))?;
    let memo = String::from_utf8(data).ok();
    let memo = memo.filter(|memo| memo.len() <= MEMO_BYTES_MAX);
    let memo = memo.ok_or(RpcError::NoMachine(
        "data travels as a memo, and that is a text of at most 256 bytes",
    ))?;
    let seed = &caller.seed;
    let sender = from.unwrap_or_default();
    let view = seed.store.view()?;
    let key = ledger::public_key(&view, &sender)?;
    let scheme = &seed.rules.scheme;
    let transfer = Transaction {
        sender,
        body: TransactionBody {
            nonce: 0,
            fee: 0,
            expires_at: Height(0),
            action: Action::Transfer {
                to,
                amount: 0,
                memo,
            },
        },
        public_key: key.is_none().then(|| vec![0; scheme.public_key_bytes()]),
        signature: Signature(vec![0; scheme.signature_bytes()]),
    };
    let bytes = u64::try_from(transfer.bytes()).unwrap_or(u64::MAX);
    Ok(json!(quantity(bytes)))
}
