// Preloaded before an example of the README, which speaks of the usual port: its devnet is at another one here.
const { LOCKSTEP_URL } = process.env;
const { fetch } = globalThis;
globalThis.fetch = (url, init) => fetch(String(url).replace('http://127.0.0.1:8545', LOCKSTEP_URL), init);
