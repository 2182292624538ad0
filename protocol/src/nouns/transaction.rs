//! A user's signed wish to change the ledger.
use crate::crypto::{SignatureError, Signer, SigningFailed, VerifyingKey};
use crate::nouns::parameters::Parameters;
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::Signature;
use crate::types::{Address, Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

/// What a transaction does; one variant per file in `ledger/`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Moves `amount` from the sender to `to`.
    Transfer {
        /// Who receives; an account that does not exist yet begins to.
        to: Address,
        /// In the chain's smallest unit.
        #[serde(serialize_with = "crate::types::serialize_amount")]
        amount: u64,
        /// For the receiver: at most [`MEMO_BYTES_MAX`](crate::limits::MEMO_BYTES_MAX) bytes, often
        /// none.
        #[borsh(deserialize_with = "crate::codec::read_text")]
        memo: String,
    },
    /// Writes a record in the sender's own namespace, or writes over it.
    Put {
        /// At most [`RECORD_KEY_BYTES_MAX`](crate::limits::RECORD_KEY_BYTES_MAX) bytes, at least
        /// one.
        #[borsh(deserialize_with = "crate::codec::read_bytes")]
        #[serde(serialize_with = "crate::types::serialize_hex")]
        key: Vec<u8>,
        /// At most [`RECORD_VALUE_BYTES_MAX`](crate::limits::RECORD_VALUE_BYTES_MAX) bytes.
        #[borsh(deserialize_with = "crate::codec::read_bytes")]
        #[serde(serialize_with = "crate::types::serialize_hex")]
        value: Vec<u8>,
    },
    /// Removes a record of the sender.
    Delete {
        /// As it was put.
        #[borsh(deserialize_with = "crate::codec::read_bytes")]
        #[serde(serialize_with = "crate::types::serialize_hex")]
        key: Vec<u8>,
    },
    /// A validator's vote that the owner of this key validates with this power: it does, from two
    /// heights later on, once more than two thirds of the power have asked for the same, and a
    /// newcomer has declared itself ready. Asking for what is so already takes a vote back.
    UpdateValidator {
        /// Whose power changes.
        #[borsh(deserialize_with = "crate::codec::read_bytes")]
        #[serde(serialize_with = "crate::types::serialize_hex")]
        public_key: Vec<u8>,
        /// 0 removes it.
        power: crate::validators::set::Power,
    },
    /// The word of a newcomer, by its validator key, that its node runs and follows the chain.
    DeclareReady,
    /// Has an application that the genesis names do what the data says.
    Call {
        /// Its name: 1 to 32 of `a-z 0-9 -`, a letter first.
        #[borsh(deserialize_with = "crate::codec::read_text")]
        application: String,
        /// For the application: at most
        /// [`CALL_DATA_BYTES_MAX`](crate::application::limits::CALL_DATA_BYTES_MAX) bytes.
        #[borsh(deserialize_with = "crate::codec::read_bytes")]
        #[serde(serialize_with = "crate::types::serialize_hex")]
        data: Vec<u8>,
    },
}

impl Action {
    /// Whom it pays.
    pub fn receiver(&self) -> Option<Address> {
        match self {
            Action::Transfer { to, .. } => Some(*to),
            Action::Put { .. }
            | Action::Delete { .. }
            | Action::UpdateValidator { .. }
            | Action::DeclareReady
            | Action::Call { .. } => None,
        }
    }
}

/// The part of a transaction that its id and its signature cover.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct TransactionBody {
    /// How many transactions of the sender the ledger has executed before this one.
    pub nonce: u64,
    /// What the sender pays in all for a place in a block, to the block's builder, in the chain's
    /// smallest unit: at least [`Parameters::least_fee`] of the transaction's bytes. It is paid
    /// once the transaction stands in a block, also if it then fails.
    #[serde(serialize_with = "crate::types::serialize_amount")]
    pub fee: u64,
    /// The last height at which it may stand in a block, at most
    /// [`EXPIRY_HEIGHTS_MAX`](crate::limits::EXPIRY_HEIGHTS_MAX) ahead. Later nobody can execute
    /// it any more, whoever still holds it.
    pub expires_at: Height,
    /// What to do.
    pub action: Action,
}

impl TransactionBody {
    /// The same for the least fee that a block takes, if `signer` signs it. (The fee's own length
    /// does not depend on its value.)
    #[must_use]
    pub fn for_least_fee(self, signer: &dyn Signer, parameters: &Parameters) -> TransactionBody {
        let signature = Signature(vec![0; signer.signature_bytes()]);
        let unsigned = Transaction::of(signer, self, signature);
        TransactionBody {
            fee: parameters.least_fee(unsigned.bytes()),
            ..unsigned.body
        }
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// Who pays and signs.
    pub sender: Address,
    /// What is signed.
    pub body: TransactionBody,
    /// The sender's key: only in the first transaction of an account (the ledger then keeps it).
    #[borsh(deserialize_with = "crate::codec::read_optional_bytes")]
    pub public_key: Option<Vec<u8>>,
    /// Over [`SignContext::transaction`].
    pub signature: Signature,
}

impl Transaction {
    /// Signs `body`. The public key goes with the account's first transaction, that of nonce 0.
    pub fn sign(
        signer: &dyn Signer,
        context: &SignContext,
        body: TransactionBody,
    ) -> Result<Transaction, SigningFailed> {
        let mut transaction = Transaction::of(signer, body, Signature(Vec::new()));
        let bytes = context.transaction(&transaction.sender, &transaction.body);
        transaction.signature = Signature(signer.sign(&bytes)?);
        Ok(transaction)
    }

    fn of(signer: &dyn Signer, body: TransactionBody, signature: Signature) -> Transaction {
        let public_key = signer.public_key();
        Transaction {
            sender: Address::of(signer.scheme(), public_key),
            public_key: (body.nonce == 0).then(|| public_key.to_vec()),
            body,
            signature,
        }
    }

    /// The length of its canonical bytes, without making them.
    pub fn bytes(&self) -> usize {
        // Counting cannot fail: nothing is written anywhere.
        borsh::object_length(self).unwrap_or(usize::MAX)
    }

    /// Hash of sender and body. Never of the signature: the sender can always make a second one.
    pub fn id(&self) -> Hash {
        Hash::of(&[
            b"lockstep/transaction/v1",
            &crate::codec::encode(&(&self.sender, &self.body)),
        ])
    }

    /// What a block's Merkle root holds of this transaction: the id, and apart from it the hash of
    /// public key and signature. So a block id names every byte of its body, and two bodies that
    /// differ in a signature (one valid, one not) never share an id; and who knows the id proves
    /// that it stands in a block with 32 bytes more than the path.
    pub fn leaf(&self) -> Hash {
        Transaction::leaf_of(&self.id(), &self.witness())
    }

    /// Hash of what the id does not cover: public key and signature.
    pub fn witness(&self) -> Hash {
        Hash::of(&[
            b"lockstep/witness/v1",
            &crate::codec::encode(&(&self.public_key, &self.signature)),
        ])
    }

    /// The leaf of a transaction of which only id and [witness](Self::witness) are known.
    pub fn leaf_of(id: &Hash, witness: &Hash) -> Hash {
        Hash::of(&[b"lockstep/leaf/v1", &id.0, &witness.0])
    }

    /// Checks the signature by `key`, which the caller has matched to the sender.
    pub fn verify(
        &self,
        key: &dyn VerifyingKey,
        context: &SignContext,
    ) -> Result<(), SignatureError> {
        key.verify(
            &context.transaction(&self.sender, &self.body),
            &self.signature.0,
        )
    }
}
