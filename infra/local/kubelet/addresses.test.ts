import { describe, expect, it } from 'vitest';
import { PodAddresses } from './addresses.js';

describe('pod addresses', () => {
  it('gives the addresses of its block one after the other', () => {
    const addresses = new PodAddresses('10.244.16.0/20');
    expect([addresses.take(), addresses.take()]).toEqual(['10.244.16.2', '10.244.16.3']);
  });

  it('gives no address that a pod already has', () => {
    const addresses = new PodAddresses('10.244.16.0/20');
    addresses.keep('10.244.16.2');
    expect(addresses.take()).toBe('10.244.16.3');
  });

  it('lets an address that was given back rest until the others were used', () => {
    const addresses = new PodAddresses('10.244.0.0/20');
    addresses.release(addresses.take());
    expect(addresses.take()).toBe('10.244.0.3');
  });

  it('begins again at the end of its block, and says when every address is taken', () => {
    const addresses = new PodAddresses('10.244.0.0/20');
    const all = Array.from({ length: 4093 }, () => addresses.take());
    expect(new Set(all).size).toBe(4093);
    expect(() => addresses.take()).toThrow('every pod address is taken');
    addresses.release('10.244.7.9');
    expect(addresses.take()).toBe('10.244.7.9');
  });
});
