/**
 * `ask [-n TIMES] URL [HEADER: VALUE]...`: sends a request, or some, and prints through which applications and versions the answers came,
 * each way once. Asks again for up to 10 s while the first answer has not status 200: a proxy knows a route some time after it was applied.
 */
import { request } from 'node:http';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { n: { type: 'string', short: 'n', default: '1' } },
  allowPositionals: true,
});
const [url = '', ...given] = positionals;
const headers = Object.fromEntries(
  given.map((header) => {
    const colon = header.indexOf(':');
    return [header.slice(0, colon), header.slice(colon + 1).trim()];
  }),
);

const ask = (): Promise<{ readonly status: number; readonly versions: string }> =>
  new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      const { 'x-versions': versions } = response.headers;
      resolve({ status: response.statusCode ?? 0, versions: String(versions ?? '') });
    });
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer in 5 s`)));
    call.on('error', reject);
    call.end();
  });

const ways = new Set<string>();
for (let asked = 0, until = Date.now() + 10_000; asked < Number(values.n);) {
  const { status, versions } = await ask();
  if (status === 200) {
    ways.add(versions);
    asked++;
    continue;
  }
  if (asked > 0 || Date.now() > until) throw new Error(`${url} answered with status ${status}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log([...ways].toSorted().join(', '));
