import { get, type IncomingMessage } from 'node:http';

/** One request through Envoy, on a connection of its own; `host` selects the route. */
export const askIngress = (url: string, host: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { host }, agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response);
    }).on('error', reject);
  });
