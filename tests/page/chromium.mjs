// A browser for the tests and the pictures: Debian's Chromium, without a window, with a profile of its own.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const paths = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = paths.find((path) => path && existsSync(path));

export async function launch() {
  if (!executablePath) throw new Error('no Chromium: apt-get install chromium, or CHROMIUM');
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'];
  return chromium.launch({ executablePath, args });
}

/** All views, with what must be known to open those of one thing. */
export function views({ height, transaction, account, key }) {
  return {
    overview: '/',
    heights: '/timeline',
    timeline: `/timeline/${height}`,
    actors: '/actors',
    actor: '/actors/RoundDriver',
    blocks: '/blocks',
    block: `/block/${height}`,
    transaction: `/transaction/${transaction}`,
    account: `/account/${account}`,
    record: `/record/${account}/${key}`,
    mempool: '/mempool',
    validators: '/validators',
    evidence: '/evidence',
    peers: '/peers',
    devnet: '/devnet',
    nothing: '/nothing/%3Cscript%3E',
  };
}
