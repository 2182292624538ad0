//! Every limit of the protocol in one place, with its reason. Units stand last in the name.

/// Validators of one set: certificates stay below 0.4 MiB and bitmaps below 16 bytes.
pub const VALIDATORS_MAX: usize = 128;
/// Validator sets that are known besides the newest: those of so many changes. Every node keeps the
/// same ones, 16 MiB at the most; evidence of heights before them is too old.
pub const VALIDATOR_SETS_KEPT_MAX: usize = 64;
/// Peers that may be asked for blocks: the validators, and as many configured peers that are not
/// validators, or not yet.
pub const CATCH_UP_PEERS_MAX: usize = 2 * VALIDATORS_MAX;
/// Heights for which a validator's vote for a change of the set counts: some hours at a block a second,
/// time enough to ask all the others. What was agreed to for a purpose that is over changes nothing.
pub const VOTE_AGE_HEIGHTS_MAX: u64 = 10_000;
/// Heights for which a newcomer's word counts that its node runs and follows: some minutes at a block a
/// second, time enough for the votes that are still missing; who said it longer ago may have stopped.
pub const READY_AGE_HEIGHTS_MAX: u64 = 100;
/// A validator set in the state: public keys of 1,952 bytes, addresses and powers, rounded up.
pub const VALIDATOR_SET_BYTES_MAX: usize = VALIDATORS_MAX * 2_048 + 64;
/// One signature: both schemes have exactly 3309 bytes; the simulator's have fewer.
pub const SIGNATURE_BYTES_MAX: usize = 3_309;
/// A vote on the wire: envelope, fields and one signature, rounded up.
pub const VOTE_BYTES_MAX: usize = 4_096;
/// The question of a validator that has just started, on the wire: two addresses, a nonce, one
/// signature, rounded up.
pub const QUESTION_BYTES_MAX: usize = 4_096;
/// The answer to it: a few fields more.
pub const STATEMENT_BYTES_MAX: usize = 4_096;
/// Questions of one validator that are answered at once: each costs a check and a signature, under a
/// millisecond.
pub const STANDING_BURST_MAX: u64 = 8;
/// … and in a second, for as long as it has to wait for others.
pub const STANDING_PER_SECOND: u64 = 4;
/// Nonces of one validator that are not answered again: more than it may ask in ten seconds.
pub const STANDING_NONCES_KEPT_MAX: usize = 64;
/// A block's transactions. What one HTTP body carries well inside a propose timeout on a LAN.
pub const BLOCK_TRANSACTION_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A certificate of the largest set, with a quorum of signatures at the most all of them.
pub const CERTIFICATE_BYTES_MAX: usize = VALIDATORS_MAX * (SIGNATURE_BYTES_MAX + 8) + 256;
/// One piece of evidence: two signatures and their fields, rounded up.
pub const EVIDENCE_BYTES_MAX: usize = 2 * SIGNATURE_BYTES_MAX + 512;
/// Pieces of evidence in one block: more than a few faulty validators can do in a round, and at
/// most twice as many signature checks for whoever has not seen the offences, some milliseconds.
pub const EVIDENCE_PER_BLOCK_MAX: usize = 16;
/// Of them, those that accuse one validator: whoever accuses itself keeps no other out of a block.
pub const EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX: usize = 2;
/// Offences of one validator that blocks carry, ever. By then it is named; each more would cost every
/// node a record in the state that is never pruned, and nobody a fee.
pub const EVIDENCE_PER_VALIDATOR_MAX: u64 = 64;
/// The evidence of a block.
pub const BLOCK_EVIDENCE_BYTES_MAX: usize = EVIDENCE_PER_BLOCK_MAX * EVIDENCE_BYTES_MAX;
/// Heights after which an offence is no longer accepted: more than a day at a block a second. By
/// then every correct node that saw it has had thousands of turns.
pub const EVIDENCE_AGE_MAX: u64 = 100_000;
/// Evidence that waits in one node for a block, of one validator: many rounds of one height that
/// nobody could decide.
pub const EVIDENCE_PENDING_PER_VALIDATOR_MAX: usize = 64;
/// Evidence that waits in one node for a block, in all: 7 MiB at the most.
pub const EVIDENCE_PENDING_MAX: usize = 1_024;
/// Pieces of evidence about one validator that others tell and that this node takes at once: as many
/// as are told at a time. Each is a write to the disk, of which a signature may stand behind as many.
pub const EVIDENCE_TOLD_BURST_MAX: u64 = EVIDENCE_PER_BLOCK_MAX as u64;
/// … and with each height: as many as its block can carry. So a node that has no budget left for a
/// validator holds proof enough to fill the next blocks.
pub const EVIDENCE_TOLD_PER_HEIGHT: u64 = EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX as u64;
/// Heights after which evidence that still waits is told to the others again: by then whoever heard
/// it has built a block, if it could.
pub const EVIDENCE_TELL_EVERY_HEIGHTS: u64 = 4;
/// A piece of evidence on the wire: with its envelope.
pub const EVIDENCE_MESSAGE_BYTES_MAX: usize = EVIDENCE_BYTES_MAX + 34;
/// Second decisions that are proved and kept, of those that stop a node and of old heights each:
/// one says all there is to say.
pub const FORKS_MAX: usize = 8;
/// Certificates of old heights, for other blocks than this node's, whose signatures are checked on
/// one head: whoever sends more of them with each proposal costs no more than a certificate.
pub const OLD_FORK_CHECKS_MAX: usize = 2;
/// Polkas that are kept in case that a fork comes to light: of all heights that took more than one
/// round of late. 36 MiB for the largest set, 1.3 MiB for four validators.
pub const POLKAS_KEPT_MAX: usize = 128;
/// A whole block: transactions, evidence, the previous commit certificate, header.
pub const BLOCK_BYTES_MAX: usize =
    BLOCK_TRANSACTION_BYTES_MAX + BLOCK_EVIDENCE_BYTES_MAX + CERTIFICATE_BYTES_MAX + 4_096;
/// A proposal on the wire: block, polka certificate, one signature.
pub const PROPOSAL_BYTES_MAX: usize = BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX + 8_192;
/// How much of a proposal must have come to read who proposes what: envelope, fields, signature.
pub const PROPOSAL_HEAD_BYTES_MAX: usize = 4_096;
/// The shortest transaction there can be: sender, nonce, fee, expiry, an action without a payload, no
/// key, and a signature of no bytes.
pub const TRANSACTION_BYTES_MIN: usize = 20 + 3 * 8 + 1 + 1 + 4;
/// Transactions that a block names: as many of the shortest as fit into one.
pub const BLOCK_TRANSACTIONS_MAX: usize = BLOCK_TRANSACTION_BYTES_MAX / TRANSACTION_BYTES_MIN;
/// A question for transactions that a compact proposal names: a bit for each, and whose they are.
pub const MISSING_BYTES_MAX: usize = BLOCK_TRANSACTIONS_MAX.div_ceil(8) + 128;
/// The answer: all transactions of a block at the most.
pub const FETCHED_BYTES_MAX: usize = BLOCK_TRANSACTION_BYTES_MAX + 128;
/// Compact proposals that wait for transactions: an honest and a second one of this round, and one
/// of the next; the nearest to the round under way. What they name of the mempool they share with it.
pub const PARTIAL_PROPOSALS_MAX: usize = 3;
/// The memo of a transfer: an invoice number, a sentence.
pub const MEMO_BYTES_MAX: usize = 256;
/// How far ahead of the height of its block a transaction's expiry may lie: more than a day at a
/// block a second. Whoever signs a transaction knows by then what became of it.
pub const EXPIRY_HEIGHTS_MAX: u64 = 100_000;
/// The key of a record: a path, a hash, a name.
pub const RECORD_KEY_BYTES_MAX: usize = 256;
/// The value of a record: a hash with what must be known of it, a certificate, a page of text. Each
/// node keeps it, so documents themselves belong elsewhere.
pub const RECORD_VALUE_BYTES_MAX: usize = 4_096;
/// A transaction on the wire: the largest record, public key, signature, rounded up.
pub const TRANSACTION_BYTES_MAX: usize = 12_288;
/// A batch of transactions on the wire: at least twenty of the longest, and few enough bytes that a
/// peer has them checked in some milliseconds.
pub const TRANSACTIONS_BYTES_MAX: usize = 256 * 1024;
/// Transactions of such a batch: more than it can hold of signed ones (78), and few enough that
/// looking at them all takes less than a millisecond. Of unsigned ones it could hold five thousand.
pub const TRANSACTIONS_BATCH_MAX: usize = 128;
const _: () = assert!(
    TRANSACTIONS_BYTES_MAX / (TRANSACTION_BYTES_MIN + SIGNATURE_BYTES_MAX)
        <= TRANSACTIONS_BATCH_MAX
);
/// A range of committed blocks in one sync answer; at least one block always fits.
pub const SYNC_BYTES_MAX: usize = BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX + 4 * 1024 * 1024;
/// An answer that ends early because it is full holds at least this: one block more might have
/// been of the largest size. (4 KiB for what it holds besides its blocks.)
pub const SYNC_FULL_BYTES: usize =
    SYNC_BYTES_MAX - BLOCK_BYTES_MAX - CERTIFICATE_BYTES_MAX - 4 * 1024;
/// Blocks in one sync answer.
pub const SYNC_BLOCKS_MAX: u64 = 100;
/// Decided blocks that are written in one transaction: so one sync of the disk counts for as many,
/// and no more than state versions stay readable behind the newest.
pub const COMMIT_RUN_BLOCKS_MAX: usize = 16;
/// Bytes of decided blocks that are written in one transaction, unless the first alone has more:
/// executing and writing them takes no longer than one block of the largest size.
pub const COMMIT_RUN_BYTES_MAX: usize = BLOCK_BYTES_MAX;
/// Committed blocks that a node keeps at least, if it does not keep all. Whoever asks for a state
/// that can still be read finds the header that proves it, also when each block has changed the
/// state; and a peer that has begun to fetch what it lacks finds what it asks for next.
pub const RETAIN_BLOCKS_MIN: u64 = 256;
/// Old blocks that are deleted with each new one: a node that is told to keep less shortens a chain
/// of a million blocks while it makes 16,000, and no commit waits for more than this.
pub const PRUNED_BLOCKS_PER_BLOCK_MAX: u64 = 64;
/// … and no more of them once they had so many bytes, but always one: so a chain of full blocks does
/// not grow, and small ones cost a commit less than a millisecond.
pub const PRUNED_BYTES_PER_BLOCK_MAX: usize = 1024 * 1024;
/// A node whose newest block is not above this height has followed nothing yet: whatever chain it is
/// shown, it takes for its own.
pub const NEWCOMER_HEIGHT_MAX: u64 = 100;
/// … and is told so once if others are at least this far ahead: a chain that begins has no past that
/// somebody could have forged.
pub const NEWCOMER_BEHIND_MIN: u64 = 100;
/// Rounds behind the current one whose votes are kept: older ones only matter through certificates.
pub const ROUNDS_KEPT_MAX: u32 = 32;
/// Values kept for one validator, round and kind (E10): two prove the equivocation.
pub const VALUES_PER_VOTER_MAX: usize = 2;
/// Proposals kept for one round: two prove the equivocation.
pub const PROPOSALS_PER_ROUND_MAX: usize = 2;
/// Blocks that have been executed and wait for a decision: two for each of a few rounds.
pub const OVERLAYS_MAX: usize = 8;
/// How far a block's time may run ahead of the local clock when it is proposed (L22 only).
pub const CLOCK_DRIFT_MS: u64 = 10_000;
/// E12: the first pause between rounds that end in nil one after another. Longer than a round takes
/// on a LAN, and far below what a person notices.
pub const NIL_PAUSE_MIN_MS: u64 = 10;
/// A node whose clock lies too far behind the newest block looks at it again so often: a height
/// begins within a moment after the clock has become right, and a look costs nothing.
pub const CLOCK_LOOK_MS: u64 = 250;
/// Clocks that differ by more than this are said to be apart: well below the drift that costs turns,
/// and more than a clock that is kept by NTP shows on any network.
pub const CLOCK_APART_MS: u64 = 2_000;
/// An answer about a clock that was longer on its way says too little: half of it is less than what
/// is called apart.
pub const CLOCK_TRIP_MAX_MS: u64 = 2_000;
/// Answers about one peer's clock that are kept to choose the best from.
pub const CLOCK_SAMPLES_KEPT_MAX: usize = 4;
/// A peer that has not said its clock for so long is not counted among the clocks: it is away.
pub const CLOCK_SAMPLE_AGE_MAX_MS: u64 = 30_000;
/// Rounds of which a pull says what is held: the asker's own and its two neighbours. Of others it
/// keeps nothing (E7), or nothing that still brings it on.
pub const PULL_ROUNDS_MAX: usize = 3;
/// Values voted for that a pull names in one round: two phases, each with a block, nil, and room
/// for equivocators.
pub const PULL_VALUES_MAX: usize = 8;
/// A pull on the wire: three rounds of eight bitmaps, rounded up.
pub const PULL_BYTES_MAX: usize = 2_048;
/// Proposals in one answer to a pull: that of the answerer's round and that of the asker's.
pub const PULL_PROPOSALS_MAX: usize = 2;
/// Votes in one answer to a pull: both phases of two rounds of the largest set.
pub const PULL_VOTES_MAX: usize = 4 * VALIDATORS_MAX;
/// An answer to a pull on the wire.
pub const PULLED_BYTES_MAX: usize =
    PULL_PROPOSALS_MAX * PROPOSAL_BYTES_MAX + PULL_VOTES_MAX * VOTE_BYTES_MAX;
/// Messages of one validator that verify and are of no use, at once: what a node that was away
/// meets as the others go on without it.
pub const USELESS_BURST_MAX: u64 = 256;
/// … and a second: checking them costs at most a few hundredths of a core for each validator.
pub const USELESS_PER_SECOND: u64 = 256;
/// Polkas that do not verify beside proposals of one validator, at once: no correct node makes one.
pub const BAD_POLKAS_BURST_MAX: u64 = 4;
/// … and a second. With a hundred validators each costs 2.7 ms, so a third of them that do nothing
/// else take a tenth of a core.
pub const BAD_POLKAS_PER_SECOND: u64 = 1;
/// Signatures and polkas that failed and are remembered, so that a replay costs no check.
pub const REFUSALS_KEPT_MAX: usize = 256;
/// Proposals whose signature has been checked before their block came.
pub const SCREENED_KEPT_MAX: usize = 16;
/// A header with its certificate and the largest set: a public key has 1,952 bytes, rounded up.
pub const LIGHT_BLOCK_BYTES_MAX: usize = CERTIFICATE_BYTES_MAX + VALIDATORS_MAX * 2_048 + 4_096;
/// An account with its proof: 256 siblings of at most 65 bytes, rounded up.
pub const PROVED_ACCOUNT_BYTES_MAX: usize = 20 * 1024;
/// A record with its proof: the same, and the value.
pub const PROVED_RECORD_BYTES_MAX: usize = PROVED_ACCOUNT_BYTES_MAX + RECORD_VALUE_BYTES_MAX;
/// A value of an application with its proof: no longer, for it holds as much as a record.
pub const PROVED_APPLICATION_BYTES_MAX: usize = PROVED_RECORD_BYTES_MAX;
/// Leaves of the state in one record of a snapshot, unless the first alone has more: few enough that
/// making their part of the tree takes some ten MiB.
pub const SNAPSHOT_LEAVES_BYTES_MAX: usize = 1024 * 1024;
/// One record of a snapshot: a block of the largest size with its certificate, receipts (none longer
/// than its transaction) and validators.
pub const SNAPSHOT_RECORD_BYTES_MAX: usize = 2 * BLOCK_BYTES_MAX + LIGHT_BLOCK_BYTES_MAX;

/// A node that has started and does not sign yet says nothing of it for so long: others that start at
/// the same time refuse connections at first, and whoever starts all wants no alarm.
pub const WAITING_UNTOLD_MS: u64 = 1_000;

/// So many rounds beyond those that others with more than f have named, one validator alone is
/// believed to have signed in: correct ones are a round or two apart.
pub const ROUNDS_BELIEVED_AHEAD: u32 = 4;
/// Inputs of the next height that may wait for the driver to get there: facts and proposals of
/// rounds 0 and 1.
pub const EARLY_INPUTS_MAX: usize = 64;
