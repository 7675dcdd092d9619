import { describe, expect, it } from 'vitest';
import { secretLike } from './secret-like.js';

describe('a literal value that looks like a secret', () => {
  it.each([
    'PASSWORD',
    'DB_PASSWORD',
    'PGPASSWORD',
    'dbPassword',
    'spring.datasource.password',
    'spring.security.oauth2.client.registration.github.client-secret',
    'MYSQL_PWD',
    'SMTP_PASS',
    'SSH_PASSPHRASE',
    'JWT_SECRET',
    'GITHUB_TOKEN',
    'accessToken',
    'DB_CREDENTIALS',
    'API_KEY',
    'APIKEY',
    'AWS_SECRET_ACCESS_KEY',
    'AZURE_STORAGE_KEY',
    'AZURE_STORAGE_ACCOUNT_KEY',
    'NEW_RELIC_LICENSE_KEY',
    'TLS_PRIVATE_KEY',
    'SECRET_KEY_BASE',
    'DB_PASSWORD_2',
    'API_KEY_V2_OLD',
    'TOKEN_PROD',
  ])('has the name %s', (name) => {
    expect(secretLike(name, 'hunter2')).toBe('looks like a secret by its name');
  });

  it.each([
    'MONKEY',
    'KEYSPACE',
    'CASSANDRA_KEYSPACE',
    'TOKENIZER_PATH',
    'TOKENIZERS_PARALLELISM',
    'MAX_TOKENS',
    'TOKEN_URL',
    'TOKEN_TTL_SECONDS',
    'PASSWORD_FILE',
    'PASSWORD_MIN_LENGTH',
    'SECRET_NAME',
    'SECRETS_DIR',
    'KEY_PREFIX',
    'CACHE_KEY',
    'LOCAL_STORAGE_KEY',
    'PARTITION_KEY',
    'PUBLIC_KEY',
    'NEXT_PUBLIC_API_KEY',
    'AWS_ACCESS_KEY_ID',
    'KEYCLOAK_URL',
    'KEYSTORE_PATH',
    'PASSENGER_LIMIT',
    'BYPASS',
    'COMPASS',
    'PROXY_PASS',
    'PASS',
    'PWD',
    'OLDPWD',
    'AUTHOR',
    'SECRETARY_MAIL',
    'GOOGLE_APPLICATION_CREDENTIALS',
    'spring.cloud.nacos.discovery.server-addr',
    '',
  ])('does not have the name %s', (name) => {
    expect(secretLike(name, 'banana')).toBeNull();
  });

  it.each([
    ['postgres://app:hunter2@db/shop', 'has a password in its value'],
    ['jdbc:mysql://db/shop?user=app&password=hunter2', 'has a password in its value'],
    ['Server=db;Password = hunter2;', 'has a password in its value'],
    ['-Djavax.net.ssl.trustStorePassword=changeit', 'has a password in its value'],
    ['{"spring":{"datasource":{"password": "hunter2"}}}', 'has a password in its value'],
    ['DefaultEndpointsProtocol=https;AccountKey=aHVudGVyMg==', 'has a password in its value'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE', 'has a private key as its value'],
  ])('is %j, whatever its name', (value, why) => {
    expect(secretLike('OPTIONS', value)).toBe(why);
  });

  it.each([
    'postgres://app@db/shop',
    'postgres://app:$(DB_PASSWORD)@db/shop',
    'jdbc:mysql://db/shop?user=app&password=${DB_PASSWORD}',
    'Password:',
    'password=',
    'nacos.prod:8848',
    'http://auth/login?response_type=token',
    '--tls-secret=shop-tls',
    '-----BEGIN CERTIFICATE-----\nMIIE',
  ])('is not %j', (value) => {
    expect(secretLike('OPTIONS', value)).toBeNull();
  });

  it.each(['', 'true', 'False', '$(DB_PASSWORD)', '${DB_PASSWORD}'])(
    'is not %j, whatever its name',
    (value) => {
      expect(secretLike('CORS_ALLOW_CREDENTIALS', value)).toBeNull();
    },
  );
});
