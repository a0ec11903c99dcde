export { localKeyWrapper } from './local-key-wrapper.ts';
