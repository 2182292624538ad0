/** What a node shows of one height; every part of it is a claim. */
import { struct } from '../bytes/codec.js';
import { commitCertificate, header, type CommitCertificate, type Header } from './block.js';
import { validators, type Validator } from './validator.js';

export interface LightBlock {
  header: Header;
  /** More than two thirds of the power of `validators`, for this header. */
  certificate: CommitCertificate;
  /** The validators of this height, in order of address. */
  validators: Validator[];
}

export const lightBlock = struct<LightBlock>({ header, certificate: commitCertificate, validators });
