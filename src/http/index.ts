export { type BufferPool, bufferPool } from './buffer-pool.ts';
export { type AnswerHeaders, type Exchange, type ExchangeFacts, type Listener } from './exchange.ts';
export { pump } from './pump.ts';
export { compileRoutes, type RouteMatch, type RouteParameters, type RoutePattern } from './router.ts';
export { type HttpServer, listen, type ServerDuties, type ServerLimits } from './server.ts';
