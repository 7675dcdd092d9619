/**
 * What is used of @kubernetes/client-node, and nothing that loads the rest of it: its classes for every kind of object take 80 MiB and a
 * second. The build leaves them out of this file (worker/slim.ts).
 */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
export type { User } from '@kubernetes/client-node/dist/config_types.js';
export { HttpMethod, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
