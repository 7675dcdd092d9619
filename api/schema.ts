/** npm run schema: writes the JSON Schema that editors read; a test holds that it is current. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { applicationDocument } from './schemas/documents.js';

export const schemaFile = fileURLToPath(
  new URL('../docs/reference/application.schema.json', import.meta.url),
);
export const schemaText = (): string => `${JSON.stringify(applicationDocument(), null, 2)}\n`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(dirname(schemaFile), { recursive: true });
  writeFileSync(schemaFile, schemaText());
}
