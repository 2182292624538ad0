//! The types that the reference driver is generic over, as small as its traits allow.
//!
//! An address is the validator's index and a value is its own id, so a failing sequence reads like
//! the paper. Signatures are the unit type: the driver never verifies any, its owner does.

use std::convert::Infallible;
use std::fmt;

use arc_malachitebft_core_types as types;
use types::{LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType, VotingPower};

/// The context: it has no state, the proposer depends on height, round and set alone.
#[derive(Clone, Debug)]
pub(crate) struct Ctx;

/// Height of the one decision a test is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Height(pub(crate) u64);

/// Index of a validator in the sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) u8);

/// A block, reduced to its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(pub(crate) u64);

/// A validator: index and voting power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator {
    address: Address,
    power: VotingPower,
}

/// The validators of the height; position and address are the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidatorSet(Vec<Validator>);

impl ValidatorSet {
    /// One validator per entry, with that power.
    pub(crate) fn new(powers: &[VotingPower]) -> Self {
        let validator = |(address, &power)| Validator {
            address: Address(address),
            power,
        };
        Self((0u8..).zip(powers).map(validator).collect())
    }
}

/// A proposal as the driver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: Value,
    pub(crate) pol_round: Round,
    pub(crate) proposer: Address,
}

/// A prevote or a precommit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<u64>,
    pub(crate) voter: Address,
}

/// The trait asks for parts of a proposal; the driver never makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoPart;

/// A scheme whose keys and signatures carry nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoSigning;

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl types::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0 + n)
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl types::Address for Address {}

impl types::Value for Value {
    type Id = u64;

    fn id(&self) -> u64 {
        self.0
    }
}

impl types::Validator<Ctx> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &() {
        &()
    }

    fn voting_power(&self) -> VotingPower {
        self.power
    }
}

impl types::ValidatorSet<Ctx> for ValidatorSet {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        self.0.iter().map(|validator| validator.power).sum()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.get_by_index(usize::from(address.0))
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }
}

impl types::Proposal<Ctx> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

impl types::Vote<Ctx> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<u64> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<u64> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Ctx>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Ctx>> {
        None
    }

    fn extend(self, _extension: SignedExtension<Ctx>) -> Self {
        self
    }
}

impl types::ProposalPart<Ctx> for NoPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

impl types::SigningScheme for NoSigning {
    type DecodingError = Infallible;
    type Signature = ();
    type PublicKey = ();
    type PrivateKey = ();

    fn decode_signature(_bytes: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn encode_signature(_signature: &()) -> Vec<u8> {
        Vec::new()
    }

    fn decode_public_key(_bytes: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn encode_public_key(_key: &()) -> Vec<u8> {
        Vec::new()
    }
}

impl types::Context for Ctx {
    type Address = Address;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = NoSigning;

    /// Lockstep's rule: `V[(h + r) mod n]`.
    fn select_proposer<'a>(
        &self,
        set: &'a ValidatorSet,
        height: Height,
        round: Round,
    ) -> &'a Validator {
        let round = u64::from(round.as_u32().expect("a proposer belongs to a round"));
        let index = (height.0 + round) % set.0.len() as u64;
        &set.0[index as usize]
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            pol_round,
            proposer,
        }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<u64>,
        voter: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Prevote,
            height,
            round,
            value,
            voter,
        }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<u64>,
        voter: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Precommit,
            height,
            round,
            value,
            voter,
        }
    }
}
