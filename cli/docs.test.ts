/** What the pages say is true of the code: links, codes, variables, commands, exit codes, examples. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applicationSchema } from '../api/schemas/application.js';
import { parseTokens } from '../api/tokens.js';
import { catalogue, type Failure, type FailureCode } from '../domain/failures.js';
import { routerNames } from '../domain/traffic.js';
import { exitCodes, exitMeanings } from './exit.js';
import { starter } from './format/starter.js';
import { programOf } from './program.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const codes = Object.keys(catalogue) as FailureCode[];

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
];

/** Text without fenced code. */
const prose = (path: string): string => read(path).replace(/^ *```[\s\S]*?^ *```/gm, '');

/** As GitHub makes them out of headings. */
const anchorsOf = (path: string): string[] =>
  [...prose(path).matchAll(/^#+ (.+)$/gm)].map((m) =>
    m[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Fenced blocks of a language. */
const blocks = (path: string, language: string): string[] =>
  [...read(path).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1]!);

/** What a link leads to in vain, or null. */
function missing(path: string, anchor: string | undefined): string | null {
  if (!existsSync(join(root, path))) return path;
  return anchor === undefined || anchorsOf(path).includes(anchor) ? null : `${path}#${anchor}`;
}

describe('links', () => {
  const links = pages.flatMap((page) =>
    [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((m) => [page, m[1]!] as const),
  );
  const inside = links.filter(([, link]) => !/^[a-z]+:/.test(link));

  it.each(inside)('%s -> %s resolves', (page, link) => {
    const [path, anchor] = link.split('#') as [string, string?];
    const target = path === '' ? page : normalize(join(dirname(page), path));
    expect(missing(target, anchor)).toBeNull();
  });

  it('sees a link that leads nowhere', () => {
    expect(missing('docs/nothing.md', undefined)).toBe('docs/nothing.md');
    expect(missing('README.md', 'nothing')).toBe('README.md#nothing');
    expect(missing('README.md', 'try-it')).toBeNull();
  });

  it('every page is reached from the README', () => {
    const next = (page: string): string[] =>
      inside
        .filter(([from]) => from === page)
        .map(([, link]) => normalize(join(dirname(page), link.split('#')[0]!)));
    const reached = new Set(['README.md']);
    for (const page of reached) for (const to of next(page)) if (to.endsWith('.md')) reached.add(to);
    const decisions = (page: string): boolean => page.startsWith('docs/decisions/');
    expect(pages.filter((page) => !reached.has(page) && !decisions(page))).toEqual([]);
  });
});

describe('failures', () => {
  it.each(codes)('%s is in troubleshoot.md', (code) => {
    expect(read('docs/how-to/troubleshoot.md')).toContain(`\`${code}\``);
  });

  it('no page names a code that is not', () => {
    const phases = ['needs_attention', 'rolled_back', 'rolling_back', 'waiting_for_approval', 'cleaning_up'];
    const named = pages.flatMap((page) =>
      [...prose(page).matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map((m) => m[1]!),
    );
    const metrics = /^(envoy|istio|orders|sluice)_/;
    const known: readonly string[] = [...codes, ...phases];
    expect(named.filter((name) => !known.includes(name) && !metrics.test(name))).toEqual([]);
  });

  it('the page of all failures is that of the catalogue (vitest -u writes it)', async () => {
    await expect(failuresPage()).toMatchFileSnapshot(join(root, 'docs/reference/failures.md'));
  });
});

function failuresPage(): string {
  const sections = codes.map((code) => {
    const { message, remedy, status, retryable } = exampleOf(code);
    return `## ${code}\n\n${message}\n\n*${remedy}* HTTP ${status}${retryable ? ', retried' : ''}.\n`;
  });
  const head =
    '# Failures\n\nEvery failure that Sluice can report, with its message (what is seen stands for each `<...>`) and its remedy. ' +
    'Codes are stable. Written from `domain/failures.ts`; ' +
    'by symptom: [troubleshoot](../how-to/troubleshoot.md).\n';
  return [head, ...sections].join('\n');
}

/** The failure with the name of each field for its value. */
function exampleOf(code: FailureCode): Omit<Failure, 'code'> {
  const lists = ['known', 'cycle', 'lanes', 'problems', 'left', 'missing', 'names', 'objects'];
  const context = new Proxy(
    {},
    { get: (_, key) => (lists.includes(String(key)) ? namedList(String(key)) : `\`<${String(key)}>\``) },
  );
  return (catalogue[code] as (c: unknown) => Omit<Failure, 'code'>)(context);
}

/** Some messages list it, some only count it: one that can be joined and printed alike. */
const namedList = (key: string): string[] =>
  Object.assign([`\`<${key}>\``], { toString: () => `\`<${key}>\`` });

describe('configuration', () => {
  const sources = ['api/config.ts', 'worker/config.ts', 'cli/context.ts', 'infra/local/start.ts']
    .map(read)
    .join('\n');
  const inCode = [...new Set(sources.match(/\bSLUICE_[A-Z_]+\b/g))].sort();
  const page = read('docs/reference/configuration.md');

  it.each(inCode)('%s is on its page', (name) => {
    expect(page).toContain(`\`${name}\``);
  });

  it('no page names a variable that nobody reads', () => {
    const known = [...inCode, 'SLUICE_CACHE'];
    const named = pages.flatMap((path) => read(path).match(/\bSLUICE_[A-Z_]+\b/g) ?? []);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('the command', () => {
  const page = read('docs/reference/cli.md');
  const host = { io: {} as never, finish: () => undefined };

  it.each(programOf(host).commands.map((command) => command.name()))('%s is on its page', (name) => {
    expect(page).toMatch(new RegExp(`\`${name}[ \`]`));
  });

  it('its exit codes are on its page', () => {
    const rows = Object.entries(exitCodes).map(
      ([name, code]) => `| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`,
    );
    expect(page).toContain(rows.join('\n'));
  });

  it('pages show only commands that are', () => {
    const known = programOf(host).commands.map((command) => command.name());
    const shown = pages.flatMap((path) =>
      [...read(path).matchAll(/(?:^|[`$(] ?|-- )sluice(?: --)? ([a-z]+)/gm)].map((m) => m[1]!),
    );
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('npm scripts that pages name exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = pages.flatMap((path) =>
      [...read(path).matchAll(/\bnpm run (?:-s )?([a-z]+)/g)].map((m) => m[1]!),
    );
    expect([...named, 'start', 'test'].filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('examples', () => {
  const problems = (value: unknown): string[] =>
    (applicationSchema.safeParse(value).error?.issues ?? []).map((i) => `${i.path.join('/')}: ${i.message}`);
  /** Fragments of an application, as how-to pages show them, on top of the least that there is. */
  const least = {
    name: 'web',
    image: 'registry.example/shop/web',
    traffic: { router: 'gateway-api' },
    environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  };
  const examples = pages
    .flatMap((page) => blocks(page, 'yaml').map((text) => [page, text] as const))
    .filter(([, text]) => /^(name|release|traffic):/m.test(text));

  it.each(examples)('the application in %s can be declared', (_, text) => {
    const values = parseAllDocuments(text).map((document) => document.toJS() as object);
    expect(values.flatMap((value) => problems({ ...least, ...value }))).toEqual([]);
  });

  it.each(routerNames)('what sluice init writes for %s can be declared', (router) => {
    const [document] = parseAllDocuments(
      starter({ name: 'web', image: 'registry.example/shop/web', router }),
    );
    expect(problems(document?.toJS())).toEqual([]);
  });

  it('the tokens file can be read', () => {
    const tokens = blocks('docs/how-to/run-for-real.md', 'yaml').find((text) => text.includes('tokenSha256'));
    expect(parseTokens(tokens ?? '').map((t) => t.name)).toEqual(['ann', 'ci', 'root']);
  });
});

describe('the application', () => {
  it('every field is on its page', () => {
    const page = read('docs/reference/application.md');
    expect(fieldsOf(applicationSchema).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Names of all fields of a schema, at any depth. */
function fieldsOf(schema: unknown): string[] {
  const { def } = (schema as { readonly _zod: { readonly def: SchemaDef } })._zod;
  const below = [def.innerType, def.element, ...(def.options ?? [])].filter((inner) => inner !== undefined);
  const own = Object.entries(def.shape ?? {}).flatMap(([name, inner]) =>
    // What is below a manifest is Kubernetes' to explain.
    name === 'manifest' ? [name] : [name, ...fieldsOf(inner)],
  );
  return [...own, ...below.flatMap(fieldsOf)];
}

interface SchemaDef {
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly options?: readonly unknown[];
  readonly shape?: Readonly<Record<string, unknown>>;
}
