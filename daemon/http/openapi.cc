#include <map>

#include "daemon/http/api.h"
#include "triggers/base/json.h"

namespace huitou::http {
namespace {

std::string LowerCase(std::string_view method) {
  std::string lower(method);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return lower;
}

// {"name":...,"in":"path",...} for each {name} of the pattern.
std::string Parameters(std::string_view pattern) {
  std::string list = "[";
  for (size_t open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    JsonObject parameter;
    parameter.Add("name", pattern.substr(open + 1, pattern.find('}', open) - open - 1))
        .Add("in", "path")
        .AddBoolean("required", true)
        .AddRaw("schema", R"({"type":"string"})");
    list.append(list.size() == 1 ? "" : ",").append(parameter.Close());
  }
  return list + "]";
}

std::string Answer(std::string_view description) {
  JsonObject answer;
  return answer.Add("description", description).Close();
}

// HTML instead of JSON.
bool IsForCustomers(const Route& route) {
  return route.pattern == "/u/{token}" || route.pattern == "/l/{token}";
}

std::string Responses(const Route& route) {
  JsonObject responses;
  if (route.pattern == "/v1/events") {
    responses.AddRaw("202", Answer("durable"));
  } else if (route.method == "DELETE") {
    responses.AddRaw("204", Answer("done"));
  } else if (route.pattern == "/l/{token}") {
    responses.AddRaw("302", Answer("on to the shop"));
  } else {
    responses.AddRaw("200", Answer("the answer"));
  }
  if (IsForCustomers(route)) {
    return responses.AddRaw("default", Answer("a page that says what is wrong")).Close();
  }
  responses.AddRaw("default", R"({"description":"what is wrong, by RFC 9457","content":)"
                              R"({"application/problem+json":{"schema":)"
                              R"({"$ref":"#/components/schemas/problem"}}}})");
  return responses.Close();
}

std::string Operation(const Route& route) {
  JsonObject operation;
  operation.Add("summary", route.summary).AddRaw("parameters", Parameters(route.pattern));
  if (route.takes_multipart) {
    operation.AddRaw("requestBody", R"({"content":{"application/x-www-form-urlencoded":{},)"
                                    R"("multipart/form-data":{}}})");
  } else if (route.body_bytes_max > 0) {
    operation.AddRaw("requestBody",
                     R"({"required":true,"content":{"application/json":{},)"
                     R"("application/x-ndjson":{},"application/cloudevents+json":{}}})");
  }
  operation.AddRaw("responses", Responses(route));
  operation.AddRaw("security", route.access == Access::kToken ? R"([{"token":[]}])" : "[]");
  return operation.Close();
}

}  // namespace

std::string OpenApi(const std::vector<Route>& routes, const std::string& version) {
  std::map<std::string, std::vector<const Route*>> by_pattern;
  for (const Route& route : routes) {
    by_pattern[route.pattern].push_back(&route);
  }
  JsonObject paths;
  for (const auto& [pattern, group] : by_pattern) {
    JsonObject path;
    for (const Route* route : group) {
      path.AddRaw(LowerCase(route->method), Operation(*route));
    }
    paths.AddRaw(pattern, path.Close());
  }
  JsonObject info;
  info.Add("title", "Huitou").Add("version", version);
  JsonObject document;
  document.Add("openapi", "3.1.0")
      .AddRaw("info", info.Close())
      .AddRaw("paths", paths.Close())
      .AddRaw("components",
              R"({"securitySchemes":{"token":{"type":"http","scheme":"bearer"}},"schemas":)"
              R"({"problem":{"type":"object","properties":{"type":{"type":"string"},)"
              R"("title":{"type":"string"},"status":{"type":"integer"},)"
              R"("detail":{"type":"string"}}}}})");
  return document.Close();
}

}  // namespace huitou::http
