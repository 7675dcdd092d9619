/** The workflows of the bundle. */
export { clean, leftovers } from './clean.js';
export { application } from './application.js';
export { diagnosis } from './diagnosis.js';
export { environment } from './environment.js';
export { release } from './release.js';
