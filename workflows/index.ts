/** The workflows of the bundle. */
export { application } from './application.js';
export { release } from './release.js';
