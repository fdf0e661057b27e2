"""A plugin of proxy.py: every name is this machine's, so that only the proxy knows where a provider is."""

from proxy.http.proxy import HttpProxyBasePlugin


class Names(HttpProxyBasePlugin):
    def resolve_dns(self, host, port):
        return "127.0.0.1", None
