// A devnet of this repository's own binary, for the tests and the pictures.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** `LOCKSTEP_BINARY`, or the newest that was built here. */
export const binary = process.env.LOCKSTEP_BINARY ?? ['release', 'debug'].map((kind) => `${root}target/${kind}/lockstep`).find(existsSync);

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `look` gives something; how long is only what a busy machine may take. */
export async function until(what, look, patienceMs = 30_000) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await sleep(50);
  }
}

/** So many ports in a row that are free now. */
async function ports(count) {
  for (let at = 0; at < 50; at += 1) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all(
      Array.from({ length: count }, (_, index) => new Promise((told) => {
        const probe = net.createServer().once('error', () => told(false));
        probe.listen(first + index, '127.0.0.1', () => probe.close(() => told(true)));
      })),
    );
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports');
}

export async function get(url) {
  const answer = await fetch(url);
  return { status: answer.status, body: await answer.json() };
}

export async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** Starts one, and answers when all nodes do. `LOCKSTEP_PAGE_URL` names one that runs already, to look at a page that is being written. */
export async function devnet(...options) {
  const given = process.env.LOCKSTEP_PAGE_URL;
  if (given && options.length === 0) {
    const { port } = new URL(given);
    return { base: given, urls: [0, 1, 2, 3].map((index) => `http://127.0.0.1:${Number(port) + index}`), pid: undefined, stop: async () => {} };
  }
  if (!binary) throw new Error('no binary: cargo build --release, or LOCKSTEP_BINARY');
  const first = await ports(4);
  const child = spawn(binary, ['devnet', '--rpc-port', String(first), ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (bytes) => (log = (log + bytes).slice(-4000)));
  const ended = new Promise((done) => child.once('exit', done));
  const urls = [0, 1, 2, 3].map((index) => `http://127.0.0.1:${first + index}`);
  const isUp = async (url) => fetch(`${url}/status`).then((answer) => answer.ok, () => false);
  await until(`the devnet answers; it said: ${log}`, async () => (await Promise.all(urls.map(isUp))).every(Boolean), 60_000);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { base: urls[0], urls, pid: child.pid, stop };
}

/** Runs the command line once. */
export function command(...options) {
  return new Promise((done, failed) => {
    const child = spawn(binary, options, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LOCKSTEP_PASSWORD: 'x' } });
    let said = '';
    child.stdout.on('data', (bytes) => (said += bytes));
    child.stderr.on('data', (bytes) => (said += bytes));
    child.once('exit', (code) => (code === 0 ? done(said) : failed(new Error(said))));
  });
}
