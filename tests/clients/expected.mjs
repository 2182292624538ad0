// What the Rust test knows of the devnet and tells by the environment; and how a script fails.
import assert from "node:assert/strict";

export const expected = JSON.parse(process.env.LOCKSTEP_EXPECTED);
export { assert };

// Everything is there within this time or something is wrong: new blocks come several times a second.
export const PATIENCE_MS = 30_000;

export function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Heads that were told: each number once, one after the other.
export function assertConsecutive(numbers) {
  numbers.forEach((number, index) => {
    if (index > 0) assert.equal(Number(number), Number(numbers[index - 1]) + 1, `${numbers}`);
  });
}

export async function run(main) {
  try {
    await main();
    console.log("ok");
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
