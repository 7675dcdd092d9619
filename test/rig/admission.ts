/** Real admission that refuses: a ValidatingAdmissionPolicy, or a webhook that nobody answers, for one namespace. */
import type { Kube } from '../../infra/local/kube.js';
import { eventually } from './eventually.js';

interface Where {
  readonly kube: Kube;
  readonly namespace: string;
}

interface Covered {
  /** `''` for the core group. */
  readonly group: string;
  readonly plural: string;
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[];
}

export interface Rule extends Covered {
  /** CEL over object, oldObject and request: what is allowed. Default nothing. */
  readonly allows?: string;
  readonly message: string;
  /** Default Invalid, which answers 422; Forbidden answers 403. */
  readonly reason?: 'Invalid' | 'Forbidden';
}

export interface Admission {
  /** Resolves when nothing is refused any more. */
  readonly lift: () => Promise<void>;
}

const admission = '/apis/admissionregistration.k8s.io/v1';
/** Refused as well, so that it can be seen whether a rule is in force. */
const probed = { group: '', plural: 'configmaps', operations: ['CREATE'] } as const;

const selects = (namespace: string): object => ({
  matchLabels: { 'kubernetes.io/metadata.name': namespace },
});
const ruleOf = ({ group, plural, operations }: Covered): object => ({
  apiGroups: [group],
  apiVersions: ['*'],
  operations,
  resources: [plural],
});

/** Resolves when the rule is in force. */
export async function forbid(where: Where, rule: Rule): Promise<Admission> {
  const { kube, namespace } = where;
  const metadata = { name: `${namespace}-${rule.plural}` };
  const policies = `${admission}/validatingadmissionpolicies`;
  const bindings = `${admission}/validatingadmissionpolicybindings`;
  const { message, reason = 'Invalid', allows = 'false' } = rule;
  const expression = `request.resource.resource != 'configmaps' && (${allows})`;
  await kube.create(policies, {
    metadata,
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        namespaceSelector: selects(namespace),
        resourceRules: [ruleOf(rule), ruleOf(probed)],
      },
      validations: [{ expression, message, reason }],
    },
  });
  await kube.create(bindings, {
    metadata,
    spec: { policyName: metadata.name, validationActions: ['Deny'] },
  });
  await eventually('the policy to be in force', async () => (await answer(where)).includes(message));
  return {
    lift: async () => {
      await kube.delete(`${bindings}/${metadata.name}`);
      await kube.delete(`${policies}/${metadata.name}`);
      await eventually('the policy to be gone', async () => (await answer(where)) === '');
    },
  };
}

/** A webhook without which nothing covered is taken, and which is not there. */
export async function silentWebhook(where: Where, covered: Covered): Promise<Admission> {
  const { kube, namespace } = where;
  const name = `${namespace}.example.com`;
  const configurations = `${admission}/validatingwebhookconfigurations`;
  await kube.create(configurations, {
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url: 'https://127.0.0.1:1/' },
        namespaceSelector: selects(namespace),
        rules: [ruleOf(covered), ruleOf(probed)],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 2,
      },
    ],
  });
  await eventually('the webhook to be asked', async () => (await answer(where)).includes(name));
  return {
    lift: async () => {
      await kube.delete(`${configurations}/${name}`);
      await eventually('the webhook to be asked no more', async () => (await answer(where)) === '');
    },
  };
}

/** What the API server says to a ConfigMap that is not written; empty when it would take it. */
async function answer({ kube, namespace }: Where): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`;
  return kube.create(path, { metadata: { name: 'admission-probe' } }).then(
    () => '',
    (error: unknown) => String(error),
  );
}
