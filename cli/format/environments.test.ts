import { describe, expect, it } from 'vitest';
import type { EnvironmentRow, EnvironmentView } from '../../domain/environment.js';
import { environmentRow } from '../../test/fakes/environment-view.js';
import { grayDigest, startedAt } from '../../test/fakes/release-view.js';
import { environmentLines, environmentRows } from './environments.js';
import { ansiPaint, noPaint } from './paint.js';

const options = { paint: noPaint, now: Date.parse(startedAt) + 95_000 };
const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;
const view = (...items: readonly EnvironmentRow[]): EnvironmentView => ({
  name: 'prod',
  at: startedAt,
  items,
  cursor: null,
});
const drifted = environmentRow({ drift: ['runs r/web:v0\u001B[2J, not what release r1 left'] });

describe('the list of environments', () => {
  it('says where a release is at work, and how many wait', () => {
    const rows = [
      { name: 'prod', types: ['gray', 'prod'], applications: 12, running: ['r1', 'r2'], waiting: 3 },
      { name: 'test', types: ['test'], applications: 1, running: [], waiting: 0 },
    ] as const;
    expect(text(environmentRows(rows, noPaint))).toMatchInlineSnapshot(`
      "
      ENVIRONMENT  TYPE        APPLICATIONS  RELEASING
      prod         gray, prod  12            r1, r2     3 waiting
      test         test        1
      "
    `);
  });

  it('says how to declare the first', () => {
    expect(environmentRows([], noPaint)).toEqual([
      'no environments; an application declares its own: sluice apply -f FILE',
    ]);
  });
});

describe('an environment', () => {
  it('says what was released, what runs, what is at work and what differs', () => {
    const track = {
      name: 'cart-gray',
      image: 'r/cart:v2',
      digest: grayDigest,
      replicas: 2,
      ready: 1,
      lane: 'gray',
      release: 'r2',
    };
    const shown = view(
      environmentRow({
        application: 'cart',
        deployment: 'cart',
        running: { release: 'r2', phase: 'waiting_for_approval', since: startedAt },
        waiting: 2,
        live: { ...environmentRow().live!, gray: [track] },
      }),
      environmentRow({ application: 'new', released: null, live: { stable: null, gray: [] } }),
      environmentRow({
        application: 'far',
        cluster: 'eu',
        live: null,
        unseen: 'No worker takes up tasks of queue sluice-eu.',
      }),
      drifted,
    );
    expect(text(environmentLines(shown, options))).toMatchInlineSnapshot(`
      "
      APPLICATION  WHERE              VERSION               DIGEST               RELEASED                  READY  GRAY           RELEASING
      cart         default/shop/cart  v1                    sha256:aaaaaaaaaaaa  r1 by ann 1 min 35 s ago  2/2    cart-gray 1/2  r2 waiting for approval, 2 waiting
      new          default/shop/web   nothing released yet                                                 none
      far          eu/shop/web        v1                    sha256:aaaaaaaaaaaa  r1 by ann 1 min 35 s ago  ?
        ? not looked at: No worker takes up tasks of queue sluice-eu.
      web          default/shop/web   v1                    sha256:aaaaaaaaaaaa  r1 by ann 1 min 35 s ago  2/2
        ! runs r/web:v0�[2J, not what release r1 left

      4 application(s), 1 with drift, 1 not looked at
      "
    `);
  });

  it('says that nothing differs', () => {
    expect(environmentLines(view(environmentRow()), options).at(-1)).toBe('1 application(s), no drift');
  });

  it('tells drift in yellow, and obeys nothing that is in it', () => {
    const lines = environmentLines(view(drifted), { ...options, paint: ansiPaint });
    expect(lines[2]).toBe('\u001B[33m  ! runs r/web:v0\uFFFD[2J, not what release r1 left\u001B[39m');
  });
});
