// Nodes that answer what they are told to answer: the page's units are tested without a chain.
import http from 'node:http';

export const VALIDATORS = ['0x' + '11'.repeat(20), '0x' + '22'.repeat(20), '0x' + '33'.repeat(20), '0x' + '44'.repeat(20)];
export const GENESIS = '0x' + 'ab'.repeat(32);

/** What a node that is well says of itself. */
export function status(index, height, more = {}) {
  return {
    chain_id: 1337,
    genesis_hash: GENESIS,
    scheme: 'dilithium3',
    version: '0.1.0',
    validator: VALIDATORS[index],
    height,
    earliest_height: 1,
    round: 0,
    step: null,
    latest_block_hash: '0x' + '0'.repeat(63) + (height % 10),
    state_root: '0x' + 'cd'.repeat(32),
    latest_block_time: 1000 * height,
    time: 1000 * height + 300,
    catching_up: false,
    target_height: height,
    sync_blocks_per_second: 0,
    halted: null,
    observing: null,
    clock: null,
    waiting_for: null,
    peers: VALIDATORS.filter((_, at) => at !== index).map((address) => ({
      address,
      url: 'http://127.0.0.1:1',
      reachable: true,
      away_ms: null,
      height,
      earliest_height: 1,
      clock_difference_ms: 0,
      outbox: 0,
      refused: null,
      trouble: null,
    })),
    ...more,
  };
}

export function validators(height, more = {}) {
  return {
    hash: '0x' + 'ef'.repeat(32),
    height,
    total_power: 4,
    recent: { blocks: 100, from_height: Math.max(1, height - 100), to_height: height },
    validators: VALIDATORS.map((address, index) => ({ address, index, power: 1, certificates: 100, failed_turns: 0, last_proposed: null, public_key: '0x00' })),
    ...more,
  };
}

/** The life of a height at a node, with the votes of these validators. */
export function timeline(index, height, voters = [0, 1, 2, 3]) {
  const entries = [
    { what: 'began', round: 0, who: null, at_us: 0 },
    { what: 'proposal_received', round: 0, who: VALIDATORS[0], at_us: 1000 },
    { what: 'prevote_sent', round: 0, who: VALIDATORS[index], at_us: 1500 },
    ...voters.filter((at) => at !== index).map((at) => ({ what: 'prevote_received', round: 0, who: VALIDATORS[at], at_us: 1600 + at })),
    { what: 'precommit_sent', round: 0, who: VALIDATORS[index], at_us: 1900 },
    ...voters.filter((at) => at !== index).map((at) => ({ what: 'precommit_received', round: 0, who: VALIDATORS[at], at_us: 2000 + at })),
    { what: 'decided', round: 0, who: null, at_us: 2500 },
  ];
  return { height, validator: VALIDATORS[index], began_ms: 0, left_out: 0, entries };
}

/** A node that answers each path from `answers`: a value, a function of it, or nothing (404). */
export async function node(answers) {
  const asked = [];
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    asked.push(request.url);
    const chosen = answers[pathname] ?? (() => [404, { code: 'no_such_route', message: 'there is no such route' }]);
    const [code, body] = typeof chosen === 'function' ? chosen(request) : [200, chosen];
    if (code === 0) return; // silence
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const base = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { base, asked, close, answers };
}
