//! `light.json`: what a light client is shown of a chain whose validators change, and every lie about
//! it. The lies are those of the light client's own tests, here with real signatures.
use super::light_cases::cases;
use super::verdict::ACCEPTED;
use super::world::{World, scheme};
use super::{bytes, change_of, changed, head, hex, items, settle, text};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::proofs::light_client::{
    Bisection, Chain, Checkpoint, LightBlock, LightClient, Whose,
};
use lockstep_protocol::types::{Address, ChainId, Height, Timestamp};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a client is shown, by name.
pub(super) type Shown = BTreeMap<String, LightBlock>;

/// A client's way: where it begins, what it is shown then, and how that ends.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) name: String,
    /// Another chain than that of the file.
    pub(super) context: Option<SignContext>,
    pub(super) now: Timestamp,
    pub(super) trusted: Checkpoint,
    pub(super) start: String,
    pub(super) advance: Vec<(u64, String)>,
    /// The client asks for what it wants on its way there, and is shown `height N`.
    pub(super) goal: Option<u64>,
    pub(super) account: Option<(Address, Vec<u8>)>,
    pub(super) record: Option<(Address, Vec<u8>, Vec<u8>)>,
    /// Name, key, and what is shown.
    pub(super) application: Option<(String, Vec<u8>, Vec<u8>)>,
    pub(super) trusted_max_ms: Option<u64>,
    pub(super) shown_max_ms: Option<u64>,
    pub(super) verdict: &'static str,
}

/// What is shown with a byte changed, of height 4 to the client of the first vector.
const BASE: &str = "height 4";

fn show(cases: &[Case], shown: &Shown, bytes: &[u8], context: &SignContext) -> &'static str {
    let lie = match Wire::new(context.genesis_hash).decode_light_block(bytes) {
        Ok(lie) => lie,
        Err(refusal) => return refusal.code(),
    };
    let mut case = cases.first().unwrap().clone();
    case.advance = vec![(4, "lie".into())];
    let start = shown[&case.start].clone();
    let shown = [(case.start.clone(), start), ("lie".into(), lie)];
    walk(&case, &shown.into(), context).verdict
}

/// How a way ended: a verdict, what was asked for on the way to a goal, and what was proved.
struct End {
    verdict: &'static str,
    asked: Vec<u64>,
    value: Value,
}

fn walk(case: &Case, shown: &Shown, context: &SignContext) -> End {
    let mut end = End {
        verdict: ACCEPTED,
        asked: vec![],
        value: Value::Null,
    };
    if let Err(code) = walk_to(case, shown, context, &mut end) {
        end.verdict = code;
    }
    end
}

fn walk_to(
    case: &Case,
    shown: &Shown,
    context: &SignContext,
    end: &mut End,
) -> Result<(), &'static str> {
    let chain = Chain {
        scheme: scheme(),
        context: case.context.unwrap_or(*context),
    };
    let now = case.now;
    let start = &shown[&case.start];
    let mut client = LightClient::start(chain, case.trusted, start, now).map_err(|e| e.code())?;
    if let Some(max) = case.trusted_max_ms {
        let young = client.trusted().no_older_than(max, Whose::Start, now);
        young.map_err(|e| e.code())?;
    }
    for (asked, name) in &case.advance {
        let taken = client.advance(Height(*asked), &shown[name], now);
        taken.map_err(|e| e.code())?;
    }
    if let Some(goal) = case.goal {
        let mut path = Bisection::to(Height(goal));
        while let Some(height) = path.wanted(&client) {
            end.asked.push(height.0);
            let shown = &shown[&format!("height {height}")];
            path.take(&mut client, shown, now).map_err(|e| e.code())?;
        }
    }
    if let Some(max) = case.shown_max_ms {
        let young = client.trusted().no_older_than(max, Whose::Shown, now);
        young.map_err(|e| e.code())?;
    }
    end.value = prove(case, &client, context)?;
    Ok(())
}

/// What the client then believes of an account, a record, or a value of an application.
fn prove(case: &Case, client: &LightClient, context: &SignContext) -> Result<Value, &'static str> {
    let wire = Wire::new(context.genesis_hash);
    if let Some((address, proved)) = &case.account {
        let proved = wire
            .decode_proved_account(proved)
            .map_err(|_| "malformed")?;
        let account = client.account(address, &proved).map_err(|e| e.code())?;
        return Ok(json!(account.map(|account| {
            json!({ "balance": account.balance.to_string(), "nonce": account.nonce })
        })));
    }
    if let Some((owner, key, proved)) = &case.record {
        let proved = wire.decode_proved_record(proved).map_err(|_| "malformed")?;
        let record = client.record(owner, key, &proved).map_err(|e| e.code())?;
        return Ok(json!(record));
    }
    if let Some((name, key, proved)) = &case.application {
        let proved = wire
            .decode_proved_application(proved)
            .map_err(|_| "malformed")?;
        let value = client
            .application(name, key, &proved)
            .map_err(|e| e.code())?;
        return Ok(json!(value.map(hex)));
    }
    Ok(Value::Null)
}

fn vector(case: &Case, end: &End) -> Value {
    let advance = case.advance.iter();
    let advance = advance.map(|(asked, shown)| json!({ "asked": asked, "shown": shown }));
    let mut vector = json!({
        "name": case.name,
        "now_ms": case.now,
        "trusted": { "height": case.trusted.height, "id": case.trusted.id },
        "start": case.start,
        "advance": advance.collect::<Vec<_>>(),
        "verdict": case.verdict,
    });
    let mut set = |field: &str, value: Value| vector[field] = value;
    if let Some(context) = case.context {
        let SignContext {
            chain_id,
            genesis_hash,
        } = context;
        set(
            "chain",
            json!({ "chain_id": chain_id, "genesis_hash": genesis_hash }),
        );
    }
    if let Some(goal) = case.goal {
        set("goal", json!({ "height": goal, "asked": end.asked }));
    }
    if let Some((address, proved)) = &case.account {
        set(
            "account",
            json!({ "address": address, "proved": hex(proved) }),
        );
        set("value", end.value.clone());
    }
    if let Some((owner, key, proved)) = &case.record {
        set(
            "record",
            json!({ "address": owner, "key": hex(key), "proved": hex(proved) }),
        );
        set("value", end.value.clone());
    }
    if let Some((name, key, proved)) = &case.application {
        set(
            "application",
            json!({ "name": name, "key": hex(key), "proved": hex(proved) }),
        );
        set("value", end.value.clone());
    }
    if let Some(max) = case.trusted_max_ms {
        set("trusted_max_ms", json!(max));
    }
    if let Some(max) = case.shown_max_ms {
        set("shown_max_ms", json!(max));
    }
    vector
}

#[test]
fn every_way_of_a_light_client_ends_as_it_is_written_down() {
    let world = World::of_all_blocks();
    let about = "What a light client does that trusts one block, starts with what is shown of it \
                 (start), and then advances: the verdict is that of the last step, all before it \
                 are accepted. goal: it asks for these heights in this order, and is shown the \
                 light block of that name. account, record, application: what it then \
                 believes (value). \
                 changed: the light block of that name with the byte at an offset of its envelope \
                 being another, shown as height 4 to a client that starts as in the first vector. \
                 light_blocks are answers of GET /light/blocks/{height} with their envelope.";
    let mut file = head(about, "light.rs", world.context());
    let (cases, shown) = cases(&world);
    let ends: Vec<End> = cases
        .iter()
        .map(|case| walk(case, &shown, world.context()))
        .collect();
    for (case, end) in cases.iter().zip(&ends) {
        assert_eq!(end.verdict, case.verdict, "{}", case.name);
    }
    let vectors = cases.iter().zip(&ends).map(|(case, end)| vector(case, end));
    let wire = Wire::new(world.context().genesis_hash);
    let used = used(&cases, &ends);
    let blocks = shown.iter().filter(|(name, _)| used.contains(name));
    let blocks =
        blocks.map(|(name, shown)| (name.clone(), json!(hex(&wire.encode_light_block(shown)))));
    file.insert("light_blocks".into(), Value::Object(blocks.collect()));
    file.insert("vectors".into(), vectors.collect());
    let base = wire.encode_light_block(&shown[BASE]);
    let places = (0..420).step_by(3).chain((420..base.len()).step_by(211));
    let judge = |bytes: &[u8]| show(&cases, &shown, bytes, world.context());
    let changes: Vec<Value> = changed(BASE, &base, places, judge).collect();
    file.insert("changed".into(), changes.into());
    let written = settle("light.json", file);
    for vector in items(&written["changed"]) {
        let bytes = change_of(vector, base.clone());
        assert_eq!(judge(&bytes), text(vector, "verdict"), "{vector}");
    }
    let shown = written["light_blocks"].as_object().unwrap();
    let shown = shown.keys().map(|name| {
        let bytes = bytes(&written["light_blocks"], name);
        (name.clone(), wire.decode_light_block(&bytes).unwrap())
    });
    let shown: Shown = shown.collect();
    for vector in items(&written["vectors"]) {
        reads_back(vector, &shown, world.context());
    }
}

fn used(cases: &[Case], ends: &[End]) -> Vec<String> {
    let of = |(case, end): (&Case, &End)| {
        let asked = end.asked.iter().map(|height| format!("height {height}"));
        let advance = case.advance.iter().map(|(_, name)| name.clone());
        let all = asked.chain(advance).chain([case.start.clone()]);
        all.collect::<Vec<_>>()
    };
    cases.iter().zip(ends).flat_map(of).collect()
}

fn reads_back(vector: &Value, shown: &Shown, context: &SignContext) {
    let case = read(vector);
    let end = walk(&case, shown, context);
    assert_eq!(end.verdict, text(vector, "verdict"), "{}", case.name);
    if case.account.is_some() || case.record.is_some() || case.application.is_some() {
        assert_eq!(end.value, vector["value"], "{}", case.name);
    }
    if case.goal.is_some() {
        assert_eq!(json!(end.asked), vector["goal"]["asked"], "{}", case.name);
    }
}

fn read(vector: &Value) -> Case {
    let trusted = &vector["trusted"];
    let number = |value: &Value| value.as_u64();
    let advance = items(&vector["advance"]).iter();
    let advance = advance.map(|step| (step["asked"].as_u64().unwrap(), text(step, "shown").into()));
    let address = |of: &str| text(&vector[of], "address").parse().unwrap();
    let chain = &vector["chain"];
    Case {
        name: text(vector, "name").into(),
        context: number(&chain["chain_id"]).map(|chain_id| SignContext {
            chain_id: ChainId(chain_id),
            genesis_hash: text(chain, "genesis_hash").parse().unwrap(),
        }),
        now: Timestamp(vector["now_ms"].as_u64().unwrap()),
        trusted: Checkpoint {
            id: text(trusted, "id").parse().unwrap(),
            height: Height(trusted["height"].as_u64().unwrap()),
        },
        start: text(vector, "start").into(),
        advance: advance.collect(),
        goal: number(&vector["goal"]["height"]),
        account: vector
            .get("account")
            .map(|of| (address("account"), bytes(of, "proved"))),
        record: vector
            .get("record")
            .map(|of| (address("record"), bytes(of, "key"), bytes(of, "proved"))),
        application: vector.get("application").map(|of| {
            let name = text(of, "name").into();
            (name, bytes(of, "key"), bytes(of, "proved"))
        }),
        trusted_max_ms: number(&vector["trusted_max_ms"]),
        shown_max_ms: number(&vector["shown_max_ms"]),
        verdict: ACCEPTED,
    }
}
