/** What design and taste ask of every source file, held by a test: imports point one way, and some words are not written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = [
  'domain',
  'workflows',
  'activities',
  'worker',
  'api',
  'cli',
  'web',
  'infra',
  'test',
  'examples',
] as const;
type Folder = (typeof folders)[number];

interface Import {
  readonly from: string;
  /** A path from the root, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

/** All TypeScript below a folder, as paths from the root; none where the folder is not made yet. */
function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => /\.tsx?$/.test(path) && !/(^|\/)(node_modules|dist)\//.test(path));
}

const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function importsOf(path: string): Import[] {
  const text = read(path);
  const statements = text.matchAll(/^(?:import|export)\s(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const calls = text.matchAll(/\bimport\(\s*'([^']+)'/g);
  return [
    ...[...statements].map((m) => ({ from: path, to: targetOf(path, m[2]!), typeOnly: m[1] !== undefined })),
    ...[...calls].map((m) => ({ from: path, to: targetOf(path, m[1]!), typeOnly: false })),
  ];
}

function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(root, normalize(join(root, dirname(path), specifier)));
  return specifier;
}

const isOurs = (to: string): boolean => folders.some((folder) => to.startsWith(`${folder}/`));

interface Rule {
  /** Ours that may be imported; with `type ` in front only its types. */
  readonly ours: readonly string[];
  /** Packages that may be imported; null: all but those of `not`. */
  readonly packages: readonly string[] | null;
  readonly not?: readonly string[];
}

const temporalSides = ['@temporalio/client', '@temporalio/worker', '@temporalio/workflow'];

const rules: Readonly<Partial<Record<Folder, Rule>>> = {
  domain: { ours: [], packages: ['@noble/hashes'] },
  workflows: {
    ours: ['domain', 'type activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  activities: { ours: ['domain'], packages: null, not: temporalSides },
  api: {
    ours: ['domain', 'workflows/messages.js', 'web'],
    packages: null,
    not: ['@temporalio/worker', '@temporalio/activity', '@kubernetes/client-node'],
  },
  cli: { ours: ['domain', 'type workflows/messages.js'], packages: ['commander', 'axios', 'yaml', 'node:'] },
  web: { ours: ['domain', 'type workflows/messages.js'], packages: null, not: ['@temporalio'] },
  worker: { ours: ['domain', 'workflows', 'activities'], packages: null, not: ['@temporalio/client'] },
};

const within = (to: string, part: string): boolean =>
  to === part || to.startsWith(part.endsWith(':') ? part : `${part}/`);

function breaks(rule: Rule, folder: string, { to, typeOnly }: Import): boolean {
  if (!isOurs(to)) {
    const denied = rule.not?.some((name) => within(to, name)) ?? false;
    return denied || (rule.packages !== null && !rule.packages.some((name) => within(to, name)));
  }
  return ![folder, ...rule.ours].some((allowed) =>
    allowed.startsWith('type ') ? typeOnly && within(to, allowed.slice(5)) : within(to, allowed),
  );
}

describe('imports point one way', () => {
  it.each(Object.entries(rules))('%s imports only what it may', (folder, rule) => {
    const wrong = sources(folder)
      .filter((path) => !isTest(path))
      .flatMap(importsOf)
      .filter((found) => breaks(rule, folder, found))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('nothing imports api or worker, but for what composes a whole: infra, test, examples and tests', () => {
    const composing: readonly string[] = ['infra', 'test', 'examples'];
    const wrong = folders
      .filter((folder) => !composing.includes(folder))
      .flatMap((folder) =>
        sources(folder)
          .filter((path) => !isTest(path))
          .flatMap(importsOf)
          .map((found) => ({ ...found, folder })),
      )
      .filter(({ folder, to }) => ['api', 'worker'].some((side) => side !== folder && within(to, side)))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it.each([
    ['a value of workflows in the CLI', 'cli', 'workflows/messages.js', false, true],
    ['a type of workflows in the CLI', 'cli', 'workflows/messages.js', true, false],
    ['a type of other workflow files in the CLI', 'cli', 'workflows/release.js', true, true],
    ['zod in the domain', 'domain', 'zod', false, true],
    ['a Node built-in in a workflow', 'workflows', 'node:fs', false, true],
    ['the Temporal client in an activity', 'activities', '@temporalio/client', true, true],
  ] as const)('judges %s', (_, folder, to, typeOnly, wrong) => {
    expect(breaks(rules[folder]!, folder, { from: '', to, typeOnly })).toBe(wrong);
  });

  it('sees imports of every form', () => {
    const found = importsOf('domain/architecture.test.ts').map((i) => i.to);
    expect(found).toContain('node:fs');
    expect(importsOf('workflows/messages.ts')).toContainEqual({
      from: 'workflows/messages.ts',
      to: 'domain/plan.js',
      typeOnly: true,
    });
  });
});

describe('what is not written', () => {
  const all = folders.flatMap(sources).filter((path) => path !== 'domain/architecture.test.ts');
  const linesWith = (pattern: RegExp, paths: readonly string[]): string[] =>
    paths.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
    );

  it.each([
    ['a test that runs alone or never', /\b(it|test|describe)\.(only|skip|todo|fails)\b/],
    ['a test that is tried again until it passes', /\bretry:\s*\d|\bretryTimes\b/],
    ['any', /\bas any\b|<any>|:\s*any\b(?! )/],
    ['a mocked module', /\bvi\.(mock|doMock)\(/],
    ['a check that is switched off', /@ts-(ignore|expect-error|nocheck)|(ox|es)lint-disable/],
  ])('%s', (_, pattern) => {
    expect(linesWith(pattern, all)).toEqual([]);
  });

  it('a test that waits for time to pass instead of for what it needs', () => {
    expect(linesWith(/\bsleep\(|setTimeout\(\s*(resolve|done|r)\b/, all.filter(isTest))).toEqual([]);
  });
});
