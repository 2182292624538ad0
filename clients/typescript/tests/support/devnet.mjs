// A devnet of this repository's own binary, and servers in front of its nodes that lie.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { pathOf } from './repository.mjs';

const built = ['target/release/lockstep', 'target/debug/lockstep'].map(pathOf);
/** `LOCKSTEP_BINARY`, or the newest that was built here. */
export const binary = process.env.LOCKSTEP_BINARY ?? built.find(existsSync);

/** Why tests with nodes are left out; never where all clients are demanded. */
export const skip =
  binary || process.env.LOCKSTEP_CLIENTS === 'required'
    ? false
    : 'no binary: cargo build --release, or LOCKSTEP_BINARY';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `look` gives something; how long is only what a busy machine may take. */
export async function until(what, look, patienceMs = 60_000) {
  for (const end = Date.now() + patienceMs; ; await sleep(50)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
  }
}

/** Starts one on ports of the system's choice, and answers when all its nodes do. */
export async function devnet(...options) {
  if (!binary) throw new Error('no binary: cargo build --release, or LOCKSTEP_BINARY');
  // Its stdin stays open: a devnet that makes blocks by hand ends with it.
  const child = spawn(binary, ['devnet', '--plain', '--rpc-port', '0', ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => (said = (said + bytes).slice(0, 16_384)));
  const ended = once(child, 'exit');
  const urls = await until('the devnet says its addresses', () => {
    if (child.exitCode !== null) throw new Error(`the devnet has ended: ${said}`);
    const found = [...said.matchAll(/^ *node \d+ .*?(http:\/\/127\.0\.0\.1:\d+) +peers/gm)].map(([, url]) => url);
    return said.includes('All keys above') && found.length > 0 ? found : null;
  });
  const order = async (name, body = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${urls[0]}/devnet/${name}`, init);
    if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
    return answer.json();
  };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { urls, order, tick: () => order('tick'), stop };
}

/** A server in front of `url` that changes answers: `lie({ path, status, body })` gives what is sent on, or nothing. */
export async function liar(url, lie) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const headers = body.length > 0 ? { 'content-type': request.headers['content-type'] } : {};
    try {
      const answer = await fetch(url + request.url, {
        method: request.method,
        headers,
        ...(body.length > 0 && { body }),
      });
      const honest = {
        path: request.url,
        asked: body,
        status: answer.status,
        body: Buffer.from(await answer.arrayBuffer()),
      };
      const { status, body: shown } = { ...honest, ...(await lie(honest)) };
      response.writeHead(status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }).end(shown);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}
