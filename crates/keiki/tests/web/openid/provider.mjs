// A provider of OpenID Connect for the tests: oidc-provider itself, with accounts that need no password, and beside it a few words by
// which a test says who is in which group, that the keys change, or what an ID token is to say against the rules.

import { webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { SignJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from 'jose';

// In Debian 12's Node 18 it is not yet a global, and newer releases of oidc-provider than 8 ask for more of Node than that has.
globalThis.crypto ??= webcrypto;

// Nobody reads what it says of itself, and a pipe that nobody reads would end it.
console.info = console.warn = console.log = () => {};

const groups = {};
let client;
let key;
let untrue = {};
let answer;

async function newKey() {
  const pair = await generateKeyPair('RS256', { extractable: true });
  key = { ...(await exportJWK(pair.privateKey)), kid: crypto.randomUUID(), alg: 'RS256', use: 'sig' };
}

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: client ? [client] : [],
    jwks: { keys: [key] },
    cookies: { keys: ['not a secret: this is a test'] },
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], groups: ['groups'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id} <of the tests>`, preferred_username: id, groups: groups[id] ?? [] }),
    }),
  });
  provider.use(async (context, next) => {
    await next();
    if (context.path === '/token' && context.body?.id_token && Object.keys(untrue).length > 0) {
      const said = { ...decodeJwt(context.body.id_token), ...untrue };
      const header = { alg: 'RS256', kid: key.kid };
      context.body.id_token = await new SignJWT(said).setProtectedHeader(header).sign(await importJWK(key, 'RS256'));
    }
  });
  answer = provider.callback();
}

// What a test may say, and what it does.
const words = {
  '/test/client': (said) => { client = said; },
  '/test/groups': (said) => { Object.assign(groups, said); },
  '/test/untrue': (said) => { untrue = said; },
  '/test/keys': newKey,
};

const server = createServer(async (request, response) => {
  const word = words[request.url];
  if (!word) return answer(request, response);
  let body = '';
  for await (const part of request) body += part;
  await word(JSON.parse(body || '{}'));
  makeProvider(issuer());
  response.end('{}');
});

const issuer = () => `http://127.0.0.1:${server.address().port}`;

// However slow the computer is on which the tests run.
server.keepAliveTimeout = 0;
await newKey();
server.listen(0, '127.0.0.1', () => {
  makeProvider(issuer());
  process.stdout.write(`listening on ${issuer()}\n`);
});
// Whoever started it is gone.
process.stdin.on('end', () => process.exit(0)).resume();
