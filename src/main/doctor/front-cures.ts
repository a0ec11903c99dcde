/** What proxies in front of a registry do to it. */
export type FrontDefect =
  | 'upstream'
  | 'not-berth'
  | 'redirect'
  | 'untrusted'
  | 'wrong-listener'
  | 'unknown-host'
  | 'scheme'
  | 'host'
  | 'port'
  | 'path'
  | 'query'
  | 'method'
  | 'request-header'
  | 'response-header'
  | 'location'
  | 'compressed'
  | 'http-1.0'
  | 'forwarded-for'
  | 'expect'
  | 'body-limit'
  | 'request-buffering'
  | 'chunked-buffering'
  | 'response-buffering'
  | 'read-timeout';

/** The settings that cause a defect and what they must be, by proxy. */
export const frontCures: Readonly<Record<FrontDefect, string>> = {
  upstream:
    'the proxy does not reach Berth; point it at the address of ingress.listen (nginx: proxy_pass; Caddy: reverse_proxy; Traefik: loadBalancer.servers.url; HAProxy: server)',
  'not-berth':
    'another program answers at this address; look at the name, the port and the route of the proxy (nginx: server_name, location /; Caddy: the site address; Traefik: rule; HAProxy: use_backend)',
  redirect:
    'clients do not follow a redirect at /v2/ with their password; give the address that it leads to, or remove it (nginx: return 301, rewrite; Caddy: redir; Traefik: redirectScheme; HAProxy: http-request redirect)',
  untrusted: 'add the address of the proxy to ingress.trusted and start again',
  'wrong-listener':
    'set ingress.listen and ingress.trusted, and point the proxy there: the other listeners do not read its X-Forwarded headers',
  'unknown-host':
    'the host that arrives is below the domain and names no registry, or is unknown to the TLS listener; pass Host on unchanged (nginx: proxy_set_header Host $http_host) to ingress.listen',
  scheme:
    'the proxy must tell the scheme that clients use (nginx: proxy_set_header X-Forwarded-Proto $scheme; Caddy and Traefik do by themselves; HAProxy: http-request set-header X-Forwarded-Proto https if { ssl_fc }), to ingress.listen with the proxy in ingress.trusted; a second proxy in front of it must be trusted by the first',
  host: 'pass Host on unchanged (nginx: proxy_set_header Host $http_host; Caddy: remove header_up Host; Traefik: passHostHeader true; HAProxy: remove http-request set-header Host); a proxy that cannot must write X-Forwarded-Host itself, with ingress.forwardedHost set',
  port: 'pass Host on with its port (nginx: proxy_set_header Host $http_host, not $host; Caddy: header_up Host {http.request.hostport}; HAProxy: remove http-request replace-header Host)',
  path: 'pass the path on as it came (nginx: proxy_pass without a path and without a slash at its end, no rewrite, merge_slashes off; Caddy: handle instead of handle_path, no uri directive; Traefik: no stripPrefix, addPrefix or replacePath; HAProxy: no http-request set-path, no normalize-uri)',
  query:
    'pass the query on as it came (nginx: no rewrite and no $args in proxy_pass; Caddy: no uri query; HAProxy: no http-request set-query)',
  method:
    'let HEAD, GET, POST, PUT, PATCH and DELETE through (nginx: no limit_except, proxy_method or proxy_cache_convert_head; Caddy: no method matcher; Traefik: no Method rule; HAProxy: no method acl; web application firewalls block PATCH and DELETE)',
  'request-header':
    'pass the headers of requests on (nginx: no proxy_set_header with an empty value, no auth_basic; Caddy: no header_up -…; Traefik: no customRequestHeaders, no basicAuth or forwardAuth; HAProxy: no http-request del-header)',
  'response-header':
    'pass the headers of answers on (nginx: no proxy_hide_header, no more_clear_headers; Caddy: no header_down -…; Traefik: no customResponseHeaders; HAProxy: no http-response del-header)',
  location:
    'leave the Location of answers alone (nginx: proxy_redirect off; Caddy: no header_down Location; Traefik and HAProxy: no rewriting of Location)',
  compressed:
    'do not compress: digests are those of the bytes as they are (nginx: gzip off, brotli off; Caddy: no encode; Traefik: no compress; HAProxy: no compression algo; Cloudflare: compression off for this host)',
  'http-1.0': 'nginx: proxy_http_version 1.1 and proxy_set_header Connection ""',
  'forwarded-for':
    'the log names the proxy instead of the client (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; Caddy and Traefik do by themselves; HAProxy: option forwardfor)',
  expect: 'let 100-continue through (HAProxy and Caddy do by themselves; nginx answers it itself)',
  'body-limit':
    'layers come in one request of any size (nginx: client_max_body_size 0; Caddy: no request_body max_size; Traefik: no buffering middleware, maxRequestBodyBytes; HAProxy has no limit of its own; Cloudflare: 100 MB, 500 MB on the largest plan, so switch its proxy off for this name; Kubernetes ingress-nginx: proxy-body-size "0")',
  'request-buffering':
    'the proxy keeps each layer on its disk before it sends it on (nginx: proxy_request_buffering off; Caddy: no buffer_requests or request_buffers; Traefik: no buffering middleware; HAProxy: no option http-buffer-request)',
  'chunked-buffering':
    'the proxy keeps each layer that docker sends in chunks on its disk before it sends it on (nginx: proxy_http_version 1.1 beside proxy_request_buffering off; Caddy: no buffer_requests or request_buffers; Traefik: no buffering middleware)',
  'response-buffering':
    'the proxy takes layers in faster than clients read and keeps them on its disk (nginx: proxy_buffering off, or proxy_max_temp_file_size 0; Caddy: no buffer_responses or response_buffers; Traefik: no buffering middleware)',
  'read-timeout':
    'the proxy gives up while Berth works, for instance on the closing request of a great layer (nginx: proxy_read_timeout and proxy_send_timeout 900s, client_body_timeout 900s; Caddy: no response_header_timeout or read_timeout below that; Traefik: respondingTimeouts.readTimeout 0, forwardingTimeouts; HAProxy: timeout server and timeout client 900s)',
};
