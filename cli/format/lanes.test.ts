import { describe, expect, it } from 'vitest';
import type { LaneMember } from '../../domain/lane-track.js';
import type { LaneBaseline } from '../../domain/lane-view.js';
import { laneList, laneView } from '../../test/fakes/lane-list.js';
import { laneLines } from './lanes.js';
import { noPaint } from './paint.js';

const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;

describe('lanes', () => {
  it('say where requests come in, who is in and which stable versions answer beside them', () => {
    const [member] = laneView().members;
    const lost: LaneMember = { ...member!, application: 'w', version: null, phase: null, share: null };
    const [answers] = laneView().baseline;
    const far: LaneBaseline = {
      ...answers!,
      application: 'x',
      version: null,
      image: null,
      digest: null,
      unseen: 'No worker takes up\u001B[2J tasks.',
    };
    const other: LaneBaseline = { ...answers!, application: 'y', version: null, image: 'r.example/y:main' };
    const untold = laneView({
      environment: 'test',
      names: ['blue', 'gray'],
      tag: null,
      entries: [{ ...laneView().entries[0]!, url: null, enter: [] }],
      members: [lost],
      baseline: [far, other],
      chain: ['w', 'x', 'y'],
    });
    expect(text(laneLines(laneList(laneView(), untold), noPaint))).toMatchInlineSnapshot(`
      "
      lane gray in prod, x-lane: gray
        requests come in at a (gateway-api shop/a, http://shop.example/)
          besides, with query group: gray
          besides, with header x-country in de, at and cookie beta like [0-9]+ and header x-user that begins with qa-
          besides, 30 % of those with header x-team: shop
        APPLICATION  VERSION  DIGEST               READY  SHARE  RELEASE
        a            v2       sha256:bbbbbbbbbbbb  1/1    25 %   k3f9a2m1x7q0 holding
        b            v1       sha256:aaaaaaaaaaaa  2/2           baseline
        c            v2       sha256:bbbbbbbbbbbb  1/1    25 %   k3f9a2m1x7q0 holding

      lane blue, gray in test, no tag, only its share
        requests come in at a (gateway-api shop/a)
        APPLICATION  VERSION           DIGEST               READY  SHARE  RELEASE
        w            ?                 sha256:bbbbbbbbbbbb  1/1    ?      k3f9a2m1x7q0
        x            ?                                      ?             baseline: No worker takes up�[2J tasks.
        y            r.example/y:main  sha256:aaaaaaaaaaaa  2/2           baseline
      "
    `);
  });

  it('are none, and what was not looked at is named', () => {
    const unseen = [{ environment: 'prod', application: 'far', why: 'the cluster\nis away' }];
    expect(laneLines({ ...laneList(), unseen }, noPaint)).toEqual([
      'no lanes: no application has a gray track now',
      '? far in prod not looked at: the cluster is away',
    ]);
  });
});
