import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { routerNames } from '../../domain/traffic.js';
import { policyKinds } from './policies/kinds.js';
import { missingRights, neededRights, type ResourceRule } from './rules.js';

describe('infra/kubernetes/rbac.yaml', () => {
  const text = readFileSync(new URL('../../infra/kubernetes/rbac.yaml', import.meta.url), 'utf8');
  const role = parseAllDocuments(text)[0]?.toJS() as { rules: ResourceRule[] };

  it.each(routerNames)('grants all that a release with %s needs', (router) => {
    expect(missingRights(role.rules, neededRights({ router, route: 'web' }))).toEqual([]);
  });

  it('grants what copies of policies need', () => {
    const verbs = ['list', 'create', 'delete'];
    const needs = policyKinds.flatMap(({ resource }) =>
      verbs.map((verb) => ({ resource, verb, name: null })),
    );
    expect(needs).toHaveLength(21);
    expect(missingRights(role.rules, needs)).toEqual([]);
  });

  it('grants nothing over secrets, and no wildcard', () => {
    const words = role.rules.flatMap((r) => [
      ...(r.verbs ?? []),
      ...(r.resources ?? []),
      ...(r.apiGroups ?? []),
    ]);
    expect(words).not.toContain('*');
    expect(words).not.toContain('secrets');
  });
});
