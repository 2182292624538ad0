//! `lockstep_…` reads: the chain, its state, and the node's part in consensus, in this project's own
//! words. Amounts of money are decimal digits as text, because many readers of JSON keep numbers
//! exactly up to 2⁵³ only; heights, nonces and lengths are numbers, hashes and addresses `0x` hex in
//! lower case.
use super::caller::Caller;
use super::error::RpcError;
use super::heights::{demand_kept, height, version_after};
use super::mempool::next_nonce;
use super::method::{Answer, methods};
use super::params::{Args, At};
use crate::limits::{EVIDENCE_ANSWER_MAX, HISTORY_PAGE_MAX, NEWEST_BLOCKS_MAX};
use crate::rpc_gateway::applications::{self, Unanswered};
use crate::rpc_gateway::json::hex;
use crate::rpc_gateway::{
    blocks, clock_report, evidence_page, history, parameters, status, timeline, validators,
};
use crate::state_store::StoreView;
use lockstep_protocol::application::limits::{
    APPLICATION_NAME_BYTES_MAX, CALL_DATA_BYTES_MAX, QUERY_PATH_BYTES_MAX, STATE_KEY_BYTES_MAX,
};
use lockstep_protocol::limits::RECORD_KEY_BYTES_MAX;
use lockstep_protocol::types::{Address, BlockId, Hash, Height};
use lockstep_protocol::{codec, ledger};
use serde_json::{Value, json};

methods! {
    /// Balance and nonce of an address; with prove the path to the state root of that height.
    "lockstep_getAccount"(needed address: Address, optional prove: Flag, optional height: Height)
        -> Object = get_account;

    /// What an address keeps under a key; with prove the path to the state root of that height.
    "lockstep_getRecord"(
        needed address: Address,
        needed key: Key(RECORD_KEY_BYTES_MAX),
        optional prove: Flag,
        optional height: Height,
    ) -> Object = get_record;

    /// The applications of the chain, with their versions.
    "lockstep_getApplications"() -> List = get_applications;

    /// What an application answers about the newest state; nothing proves it. path and data are the
    /// application's own.
    "lockstep_query"(
        needed application: Name(APPLICATION_NAME_BYTES_MAX),
        needed path: Name(QUERY_PATH_BYTES_MAX),
        optional data: Data(CALL_DATA_BYTES_MAX),
    ) -> Object = query;

    /// What an application keeps under a key, or null; with prove the path to the state root of that
    /// height.
    "lockstep_getApplicationState"(
        needed application: Name(APPLICATION_NAME_BYTES_MAX),
        needed key: Key(STATE_KEY_BYTES_MAX),
        optional prove: Flag,
        optional height: Height,
    ) -> Object = get_application_state;

    /// What an address has a part in, the newest first, each with its role, transaction and receipt.
    /// Behind a full page begins another: give its next as before.
    "lockstep_getAccountHistory"(
        needed address: Address,
        optional limit: Whole(HISTORY_PAGE_MAX as u64),
        optional before: Place,
    ) -> Object = get_account_history;

    /// A committed block with its transactions, evidence and certificate; null beyond the head.
    "lockstep_getBlock"(needed height: Height) -> ObjectOrNull = get_block;

    /// The newest blocks as newBlocks tells them, oldest first: those behind a height of which events are
    /// kept, by default all, and at most so many.
    "lockstep_getNewestBlocks"(
        optional after: Height,
        optional limit: Whole(NEWEST_BLOCKS_MAX as u64),
    ) -> List = get_newest_blocks;

    /// Header and commit certificate of a height: what proves its roots; null beyond the head.
    "lockstep_getCommit"(needed height: Height) -> ObjectOrNull = get_commit;

    /// Who validates a height, with keys and power; null beyond the second after the head.
    "lockstep_getValidators"(optional height: Height) -> ObjectOrNull = get_validators;

    /// Misbehaviour: what waits for a block, what is committed, and forks.
    "lockstep_getEvidence"(optional limit: Whole(EVIDENCE_ANSWER_MAX as u64))
        -> Object = get_evidence;

    /// What this node did when at one of the newest 256 heights, or at the one under way; at_us counts
    /// from its first note.
    "lockstep_getTimeline"(needed height: Height) -> Object = get_timeline;

    /// The chain's parameters, and every constant and limit of this node.
    "lockstep_getParams"() -> Object = get_params;

    /// What the node says of itself, as GET /status does: its chain, its height, its clock, its peers.
    "lockstep_status"() -> Object => |caller, _| status::page(&caller.seed).await?;

    /// The height, round and step under way, whose turn it is, and whom the node waits for.
    "lockstep_consensusState"() -> Object = consensus_state;
}

/// The state after a block.
struct State {
    view: StoreView,
    version: u64,
    height: Height,
    block_id: BlockId,
    root: Hash,
    /// It was not asked for by its height.
    is_newest: bool,
}

impl State {
    /// The newest one, or that of a height whose state is kept.
    async fn at(caller: &Caller, at: Option<At>) -> Result<State, RpcError> {
        let head = caller.seed.head();
        let view = caller.seed.store.view()?;
        let height = match at {
            Some(At::Height(height)) => height,
            _ => head.height,
        };
        let version = version_after(&view, height, head.height)?;
        let (block_id, root) = if height == head.height {
            (head.block_id, head.state_root)
        } else if height == Height(0) {
            (
                caller.seed.rules.context.genesis_hash,
                caller.seed.genesis_root,
            )
        } else {
            // A whole block is read for its header.
            let named = caller.read_block(height, move |seed| {
                let block = seed.store.block(height)?;
                demand_kept(seed, height)?;
                let block = block.ok_or(RpcError::Internal)?;
                Ok((block.id(), block.header().state_root))
            });
            named.await?
        };
        Ok(State {
            view,
            version,
            height,
            block_id,
            root,
            is_newest: !matches!(at, Some(At::Height(_))),
        })
    }

    fn of(&self, address: Address) -> Value {
        json!({
            "address": address,
            "height": self.height,
            "block_id": self.block_id,
            "state_root": self.root,
        })
    }
}

async fn get_account(caller: &Caller, args: Args) -> Answer {
    let address = args.address(0)?;
    let prove = args.maybe_flag(1)?.unwrap_or(false);
    let state = State::at(caller, args.maybe_height(2)?).await?;
    let mut answer = state.of(address);
    let is_newest = state.is_newest;
    let account = if prove {
        let proof = caller.look_up(move |_| {
            let proof = ledger::prove_account_at(&state.view, state.version, &address)?;
            Ok(proof)
        });
        let proof = proof.await?;
        answer["proof"] = json!(hex(&codec::encode(&proof)));
        proof.account
    } else {
        ledger::account_at(&state.view, state.version, &address)?
    };
    answer["exists"] = json!(account.is_some());
    let account = account.unwrap_or_default();
    answer["balance"] = json!(account.balance.to_string());
    answer["nonce"] = json!(account.nonce);
    if is_newest {
        answer["next_nonce"] = json!(next_nonce(caller, address, account.nonce).await?);
    }
    Ok(answer)
}

async fn get_account_history(caller: &Caller, args: Args) -> Answer {
    let (of, before) = (args.address(0)?, args.maybe_place(2)?);
    let limit = args
        .maybe_number(1)?
        .and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(HISTORY_PAGE_MAX);
    let page = caller.read(move |seed| Ok(history::page(seed, &of, before, limit)?));
    page.await?.ok_or_else(|| RpcError::Refused {
        code: history::NO_HISTORY,
        sentence: history::SAID.into(),
    })
}

async fn get_record(caller: &Caller, args: Args) -> Answer {
    let (address, key) = (args.address(0)?, args.bytes(1)?);
    let prove = args.maybe_flag(2)?.unwrap_or(false);
    let state = State::at(caller, args.maybe_height(3)?).await?;
    let mut answer = state.of(address);
    answer["key"] = json!(hex(&key));
    let record = if prove {
        let proof = caller.look_up(move |_| {
            let proof = ledger::prove_record_at(&state.view, state.version, &address, &key)?;
            Ok(proof)
        });
        let proof = proof.await?;
        answer["proof"] = json!(hex(&codec::encode(&proof)));
        proof.record
    } else {
        ledger::record_at(&state.view, state.version, &address, &key)?
    };
    answer["record"] = json!(record);
    Ok(answer)
}

async fn get_applications(caller: &Caller, _: Args) -> Answer {
    Ok(applications::all(&caller.seed))
}

fn demand_application(caller: &Caller, name: &str) -> Result<(), RpcError> {
    let found = applications::find(&caller.seed, name);
    found.map(|_| ()).ok_or_else(|| RpcError::Refused {
        code: applications::UNKNOWN,
        sentence: applications::unknown().into(),
    })
}

async fn query(caller: &Caller, args: Args) -> Answer {
    let (name, path) = (args.name(0)?, args.name(1)?);
    let data = args.maybe_bytes(2)?.unwrap_or_default();
    demand_application(caller, &name)?;
    let answer = caller.read(move |seed| Ok(applications::answer(seed, &name, (&path, &data))?));
    let refused = |code, sentence| Err(RpcError::Refused { code, sentence });
    match answer.await? {
        Ok((height, value)) => Ok(json!({ "height": height, "value": hex(&value) })),
        Err(Unanswered::Refused(why)) => refused(applications::REFUSED, why),
        Err(Unanswered::Panicked(why)) => refused(applications::PANICKED, why),
    }
}

async fn get_application_state(caller: &Caller, args: Args) -> Answer {
    let (name, key) = (args.name(0)?, args.bytes(1)?);
    demand_application(caller, &name)?;
    let prove = args.maybe_flag(2)?.unwrap_or(false);
    let state = State::at(caller, args.maybe_height(3)?).await?;
    let mut answer = json!({
        "application": name,
        "key": hex(&key),
        "height": state.height,
        "block_id": state.block_id,
        "state_root": state.root,
    });
    let value = if prove {
        let proof = caller.look_up(move |_| {
            let proof = ledger::prove_application_at(&state.view, state.version, &name, &key)?;
            Ok(proof)
        });
        let proof = proof.await?;
        answer["proof"] = json!(hex(&codec::encode(&proof)));
        proof.value
    } else {
        ledger::application_state_at(&state.view, state.version, &name, &key)?
    };
    answer["value"] = json!(value.as_deref().map(hex));
    Ok(answer)
}

async fn get_block(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    if !caller.seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let block = caller.read_block(height, move |seed| {
        let decided = blocks::decided(seed, height)?;
        demand_kept(seed, height)?;
        let page = decided.map(|decided| blocks::block_json(seed, &decided));
        Ok(page.transpose()?)
    });
    Ok(block.await?.unwrap_or(Value::Null))
}

async fn get_newest_blocks(caller: &Caller, args: Args) -> Answer {
    let after = args.maybe_height(0)?;
    let after = after.map_or(Height(0), |at| height(&caller.seed, at));
    let limit = args.maybe_number(1)?.and_then(|n| usize::try_from(n).ok());
    let limit = limit.unwrap_or(NEWEST_BLOCKS_MAX).min(NEWEST_BLOCKS_MAX);
    let newest = caller.look_up(move |seed| Ok(json!(seed.events.newest_blocks(after, limit))));
    newest.await
}

async fn get_commit(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    if !caller.seed.is_shown(height) {
        return Ok(Value::Null);
    }
    let commit = caller.read_block(height, move |seed| {
        let decided = blocks::decided(seed, height)?;
        demand_kept(seed, height)?;
        let page = decided.map(|decided| {
            Ok::<_, RpcError>(json!({
                "block_id": decided.block.id(),
                "header": decided.block.header(),
                "commit": blocks::certificate_json(seed, &decided.certificate)?,
                "certificate": hex(&codec::encode(&*decided.certificate)),
            }))
        });
        page.transpose()
    });
    Ok(commit.await?.unwrap_or(Value::Null))
}

/// By default of the height under decision.
async fn get_validators(caller: &Caller, args: Args) -> Answer {
    let of = args.maybe_height(0)?.map(|at| height(&caller.seed, at));
    let page = caller.read(move |seed| Ok(validators::page(seed, of)?));
    Ok(page.await?.unwrap_or(Value::Null))
}

async fn get_evidence(caller: &Caller, args: Args) -> Answer {
    let limit = args.maybe_number(0)?.and_then(|n| usize::try_from(n).ok());
    let limit = limit.unwrap_or(EVIDENCE_ANSWER_MAX);
    caller
        .read(move |seed| Ok(evidence_page::page(seed, limit)?))
        .await
}

async fn get_timeline(caller: &Caller, args: Args) -> Answer {
    let height = height(&caller.seed, args.height(0)?);
    let kept = caller.read(move |seed| Ok(timeline::page(seed, height)));
    kept.await?.ok_or_else(|| RpcError::Refused {
        code: timeline::NO_TIMELINE,
        sentence: timeline::no_timeline(&caller.seed, height),
    })
}

async fn get_params(caller: &Caller, _: Args) -> Answer {
    Ok(parameters::parameters(&caller.seed))
}

async fn consensus_state(caller: &Caller, _: Args) -> Answer {
    let seed = &caller.seed;
    let missing = seed
        .ports
        .missing
        .ask(crate::messages::vote_collector::GetVotesMissing);
    let missing = missing.await.ok();
    let view = seed.view.copy();
    let validators = seed.view.validators();
    let height = validators.height();
    Ok(json!({
        "height": height,
        "round": view.round,
        "step": view.step,
        "proposer": validators.current().proposer(height, view.round),
        "validator": seed.me,
        "waiting_for": missing.filter(|_| view.step.is_some()),
        "catching_up": view.catching_up,
        "halted": view.halted,
        "observing": view.observing,
        "clock": clock_report::sentence(seed, &clock_report::report(seed)),
        "peers": seed.view.peers(),
    }))
}
