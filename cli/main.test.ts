import { afterEach, beforeEach, expect, it } from 'vitest';
import { SluiceProcess } from '../test/cli.js';
import { FakeApi } from '../test/fakes/sluice-api.js';
import { endedView, rejection, releaseId, sampleEvents, sampleView } from '../test/fakes/release-view.js';

let api: FakeApi;
beforeEach(async () => void (api = await FakeApi.start()));
afterEach(() => api.close());

const accept = (): FakeApi =>
  api.answer('POST /v1/releases', 202, { id: releaseId, phase: 'queued', planHash: 'abc' });
const wait = ['release', 'web@shop/web:v2', '--wait'];

it('the exit code of a real process is the one of the outcome', async () => {
  accept().release([sampleView(), endedView('rolled_back', rejection)], sampleEvents(4), [2]);
  const ran = await new SluiceProcess(api.url, wait).ended();
  expect(ran.code).toBe(4);
  expect(ran.out.match(/event number \d/g)).toEqual([1, 2, 3, 4].map((n) => `event number ${n}`));
}, 30_000);

it('Ctrl-C leaves the release alone and says how to go on', async () => {
  accept().release([sampleView()], sampleEvents(1, false));
  const child = new SluiceProcess(api.url, wait);
  await child.seen('event number 1');
  child.interrupt();
  const ran = await child.ended();
  expect(ran.code).toBe(130);
  expect(ran.err).toContain(`sluice watch ${releaseId}`);
  expect(api.paths('POST')).toEqual(['/v1/releases']);
}, 30_000);

it('a server that is away ends a real process with 6 and nothing on standard output', async () => {
  await api.close();
  const ran = await new SluiceProcess(api.url, ['status', '-o', 'json']).ended();
  expect(ran).toMatchObject({ code: 6, out: '' });
}, 30_000);
