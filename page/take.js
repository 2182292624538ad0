// How the parts of an answer are taken: each field by its kind and up to its size, and nothing besides.
//
// What does not fit makes the answer one that cannot be used (NoAnswer, `nonsense`). What was not asked for is not
// kept: a stranger's answer holds no more memory than its fields may.
import { NoAnswer } from './api.js';

/** Longer texts are cut: a reason that a node gives is a sentence. */
export const TEXT_MAX = 2048;
/** Values and proofs of a chain in hex are as long as a record and its path. */
export const LONG_MAX = 256 * 1024;

/** @typedef {(value: any, name: string) => any} Take gives what may be kept, or refuses */

/** @param {string} what @returns {never} */
export function refuse(what) {
  throw new NoAnswer('nonsense', `the answer has no ${what.slice(0, 64)} that can be used`);
}

/** @type {Take} */
export function text(value, name) {
  if (typeof value !== 'string') refuse(name);
  return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
}

/** Bytes in hex: cut, they would be others. @type {Take} */
export function long(value, name) {
  if (typeof value !== 'string' || value.length > LONG_MAX) refuse(name);
  return value;
}

/** A whole number that is not below zero: a height, a round, how many. @type {Take} */
export function count(value, name) {
  if (!Number.isSafeInteger(value) || value < 0) refuse(name);
  return value;
}

/** @type {Take} */
export function number(value, name) {
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(name);
  return value;
}

/** What a chain counts beyond what a number holds, as digits. @type {Take} */
export function amount(value, name) {
  const digits = typeof value === 'number' ? String(count(value, name)) : value;
  if (typeof digits !== 'string' || !/^[0-9]{1,40}$/.test(digits)) refuse(name);
  return digits;
}

/** @type {Take} */
export function flag(value, name) {
  if (typeof value !== 'boolean') refuse(name);
  return value;
}

/** Where nothing stands, nothing is taken. @param {Take} take @param {any} [nothing] @returns {Take} */
export function or(take, nothing = null) {
  return (value, name) => (value === null || value === undefined ? nothing : take(value, name));
}

/** @param {Record<string, Take>} fields @returns {Take} */
export function fields(fields) {
  const all = Object.entries(fields);
  return (value, name) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) refuse(name);
    /** @type {Record<string, any>} */
    const taken = {};
    for (const [own, take] of all) {
      const it = take(value[own], own);
      if (it !== undefined) taken[own] = it;
    }
    return taken;
  };
}

/** @param {Take} take @param {number} max what has more is no answer of a node @returns {Take} */
export function list(take, max) {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > max) refuse(name);
    return value.map((one) => take(one, name));
  };
}
