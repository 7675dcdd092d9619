/**
 * Preloaded into a process whose wall clock a test steps: `Date` goes wrong by as many milliseconds as the file of
 * SLUICE_TEST_CLOCK says. Timers and performance.now() stay right, as they do where an administrator or NTP sets a clock.
 */
import { readFileSync } from 'node:fs';

const file = process.env['SLUICE_TEST_CLOCK'];
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
let offset = 0;

function look() {
  try {
    offset = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // Between two writes of the file the last value holds.
  }
}

if (file !== undefined) {
  look();
  setInterval(look, 50).unref();
  const now = () => realNow() + offset;
  globalThis.Date = new Proxy(RealDate, {
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
    construct: (target, args, made) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, made === globalThis.Date ? target : made),
    apply: () => new RealDate(now()).toString(),
  });
}
