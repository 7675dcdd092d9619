import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporalAnswering } from '../../test/fakes/temporal.js';
import { createApp } from '../app.js';
import { silentLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import { schemaFile, schemaText } from '../schema.js';

const app = createApp({
  config: { tokens: null, publicUrl: null, eventReaders: 1 },
  temporal: temporalAnswering({}),
  metrics: createMetrics({ process: false }),
  log: silentLog,
});

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly object[];
  readonly responses: Readonly<Record<string, object>>;
  readonly requestBody?: object;
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const document = (await (await app.request('/openapi.json')).json()) as OpenApi;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('/openapi.json', () => {
  it('is OpenAPI 3.1', () => {
    expect(document.openapi).toBe('3.1.0');
  });

  it('has every route of the app, and no other', () => {
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual([...new Set(routes)].sort());
  });

  it('gives each operation an id of its own, a summary and an answer', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations) {
      expect(operation.summary).not.toBe('');
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    }
  });

  it('asks for a token on /v1 and nowhere else', () => {
    for (const { path, operation } of operations) {
      expect([path, operation.security]).toEqual([path, path.startsWith('/v1/') ? [{ token: [] }] : []]);
    }
  });

  it('refers only to schemas that it has', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!);
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((ref) => !known.includes(ref))).toEqual([]);
  });
});

describe('/schemas/application.json', () => {
  it('is what docs/reference has; npm run schema writes it', async () => {
    expect(readFileSync(schemaFile, 'utf8')).toBe(schemaText());
    const response = await app.request('/schemas/application.json');
    expect(response.headers.get('content-type')).toContain('application/schema+json');
    expect(await response.json()).toEqual(JSON.parse(schemaText()));
  });
});

describe('/docs', () => {
  const page = async (): Promise<string> => (await app.request('/docs')).text();

  it('asks no other host', async () => {
    expect(await page()).not.toMatch(/https?:|\/\//);
    expect(await (await app.request('/docs/start.js')).text()).toContain('validatorUrl: null');
  });

  it('has every part that it names', async () => {
    const parts = [...(await page()).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path!);
    expect(parts).toHaveLength(4);
    for (const path of parts) {
      const response = await app.request(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
  });
});
