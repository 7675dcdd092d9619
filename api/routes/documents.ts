/** The API's description of itself. Everything comes from this process: no page of it asks another host. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { App } from '../app.js';
import { applicationDocument, bodyDocuments } from '../schemas/documents.js';
import { describe } from './describe.js';

const tag = 'documents';

/** Files of swagger-ui-dist that the page needs, with their types. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sluice API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;
// validatorUrl null: the badge would send the document to a host on the internet.
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });\n`;

export function documentRoutes(app: App): void {
  app.get(
    describe(app, {
      method: 'get',
      path: '/openapi.json',
      summary: 'This document',
      tag,
      answers: { 200: { description: 'OpenAPI 3.1', type: 'application/json' } },
    }),
    (c) => c.json(openApi(app)),
  );
  app.get(
    describe(app, {
      method: 'get',
      path: '/schemas/application.json',
      summary: 'JSON Schema of an application, for editors',
      tag,
      answers: { 200: { description: 'JSON Schema 2020-12', type: 'application/schema+json' } },
    }),
    (c) => c.json(applicationDocument(), 200, { 'content-type': 'application/schema+json' }),
  );
  app.get(
    describe(app, {
      method: 'get',
      path: '/docs',
      summary: 'The same document to read and try',
      tag,
      answers: { 200: { description: 'A page', type: 'text/html' } },
    }),
    (c) => c.html(page),
  );
  app.get(
    describe(app, {
      method: 'get',
      path: '/docs/{file}',
      summary: 'Parts of that page',
      tag,
      answers: { 200: { description: 'A file', type: 'text/plain' } },
      problems: [404],
    }),
    async (c) => {
      const file = c.req.param('file');
      if (file === 'start.js')
        return c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' });
      const type = assets[file];
      if (type === undefined) return c.notFound();
      const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
      const content = new Uint8Array(await readFile(join(folder, file)));
      return c.body(content, 200, { 'content-type': type, 'cache-control': 'public, max-age=86400' });
    },
  );
}

function openApi(app: App): object {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: '1',
      description:
        'Releases services on Kubernetes the careful way. Problems are RFC 9457 with a stable code.',
    },
  });
  return {
    ...document,
    components: {
      schemas: bodyDocuments(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}
