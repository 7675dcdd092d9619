/** Literal values that belong into a Secret, told by their names or by themselves. Pure. */

const keys =
  'access|account|api|auth|azure storage|cipher|decryption|deploy|encryption|hmac|jwt|licen[cs]e|master|private|secret|shared|signing|ssh';

/** What a name ends with is what it names: TOKEN_URL and PASSWORD_FILE say where one is. */
const secretEnd = new RegExp(
  `(^| )(${[
    // PGPASSWORD, clientsecret
    '\\w*(password|passwd|passphrase|secret|token)',
    // Google's names a file.
    '(?<!application )credentials?',
    // PWD is a folder.
    '(?<!^|proxy )(pass|pwd)',
    `(?<!public )(${keys}) ?key`,
  ].join('|')})( (v?\\d+|old|new|current|previous|next|base|base64|b64|prod|production|staging|test|dev))*$`,
);

/** DB_PASSWORD, dbPassword and db.password alike: db password */
const wordsOf = (name: string): string =>
  name
    .replace(/([a-z\d])(?=[A-Z])/g, '$1 ')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .join(' ')
    .trim();

/** Nothing, a switch, or another variable: $(NAME) of Kubernetes, ${NAME} of Spring. */
const harmless = /^(true|false|\$\([^()]+\)|\$\{[^{}]+\})?$/i;
const addressed = /\w:\/\/[^/\s:@]*:(?!\$[({])[^/\s@]+@/;
const assigned =
  /(password|passwd|pwd|client_?secret|account_?key|access_?key)(\s*=\s*|"\s*:\s*)["']?(?!\$[({])[^\s"';&,}]/i;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Why a literal value of a variable looks like a secret, after the variable's name; null: it does not. Never repeats the value. */
export function secretLike(name: string, value: string): string | null {
  if (harmless.test(value)) return null;
  if (secretEnd.test(wordsOf(name))) return 'looks like a secret by its name';
  if (addressed.test(value) || assigned.test(value)) return 'has a password in its value';
  return privateKey.test(value) ? 'has a private key as its value' : null;
}
