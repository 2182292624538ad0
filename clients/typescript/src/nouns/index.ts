/** The codecs of the protocol's nouns, and what is computed of each (docs/protocol.md). */
export { blockId, commitCertificate, commitHash, header } from './block.js';
export { open, seal } from './envelope.js';
export {
  provesReceipt,
  provesTransaction,
  receiptProof,
  transactionProof,
  type ReceiptProof,
  type TransactionProof,
} from './inclusion.js';
export { lightBlock } from './light-block.js';
export { leads, merkleRoot, path, type Path, type PathStep } from './merkle.js';
export { FAILURE_CODES, receiptLeaf, receiptNoun, type Failure, type ReceiptNoun, type Status } from './receipt.js';
export { precommitSignBytes, signBytes } from './sign-bytes.js';
export {
  accountProof,
  applicationProof,
  provedAccount,
  provedApplication,
  provedRecord,
  recordProof,
  provesAccount,
  provesApplication,
  provesRecord,
  type AccountProof,
  type ApplicationProof,
  type RecordProof,
} from './state.js';
export { provesState, statePath, type Sibling, type StateLeaf, type StatePath } from './state-tree.js';
export {
  action,
  transaction,
  transactionBody,
  transactionId,
  transactionLeaf,
  transactionSignBytes,
  witness,
} from './transaction.js';
export { validator, validators, validatorsHash } from './validator.js';
export { hashOf, isName } from './words.js';
