import { request } from 'node:http';

/** Rejects unless Envoy answers 200 to the host. */
export async function servesHost(port: number, host: string): Promise<void> {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', headers: { host }, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject);
    call.end();
  });
  if (status !== 200) throw new Error(`${host} answered ${status}`);
}
