/** Connections to one API server, kept and shared; the library makes a new one, with its TLS handshake, for each request. */
import type { AgentOptions, RequestOptions } from 'node:https';
import { HttpMethod, RequestContext, type KubeConfig } from './kube-config.js';
import { Agent, type Dispatcher } from 'undici';

export interface Access {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** Below the 90 s after which an API server closes an idle connection, so that no request meets one that is closing. */
const keepAliveMs = 60_000;

/** After so long without a word of a watch the system asks its other end, ten times a second apart; ms. */
const probeWatchMs = 3_000;

/** More requests than this at once wait for a connection; watches have connections of their own. */
const maxConnections = 32;

/** What decides whether a kept connection may carry a request: another certificate needs another connection. */
const identity = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'] as const;

export class Transport {
  private kept: {
    readonly key: string;
    readonly calls: Dispatcher;
    readonly watches: Dispatcher;
  } | null = null;

  constructor(private readonly config: KubeConfig) {}

  /** Credentials are looked up for each request, since they may be rotated. */
  async access(kind: 'calls' | 'watches'): Promise<Access> {
    const options: RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    const { auth } = options;
    const basic = auth == null ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
    const headers = { ...(options.headers as Record<string, string> | undefined), ...basic };
    const key = identity.map((name) => textOf(options[name])).join('|');
    if (this.kept?.key !== key) {
      const [calls, watches] = [await this.connect(options, maxConnections), await this.connect(options)];
      this.kept = { key, calls, watches };
    }
    return { headers, dispatcher: this.kept[kind] };
  }

  private async connect(options: RequestOptions, connections?: number): Promise<Dispatcher> {
    const found = this.config.createDispatcherOptions(
      this.config.getCurrentCluster(),
      options as AgentOptions,
    );
    const pool = {
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      ...(connections === undefined ? {} : { connections }),
    };
    const probing = connections === undefined ? { keepAliveInitialDelay: probeWatchMs } : {};
    switch (found.type) {
      case 'none':
        return new Agent({ ...pool, connect: { keepAlive: true, ...probing } });
      case 'agent':
        return new Agent({ ...pool, connect: { ...(found.connect as object), ...probing } });
      case 'proxy':
      case 'socks': {
        const context = new RequestContext(this.config.getCurrentCluster()!.server, HttpMethod.GET);
        await this.config.applySecurityAuthentication(context);
        return context.getDispatcher()!;
      }
    }
  }
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : '';
}
