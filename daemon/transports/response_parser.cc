#include "daemon/transports/response_parser.h"

#include <boost/beast/http/error.hpp>
#include <boost/optional.hpp>
#include <limits>

#include "daemon/transports/http_request.h"
#include "daemon/transports/limits.h"

namespace huitou {

namespace http = boost::beast::http;

ResponseParser::ResponseParser() {
  header_limit(transport_limits::kHeaderBytesMax);
  body_limit(std::numeric_limits<std::uint64_t>::max());  // it is cut, not refused
}

void ResponseParser::on_request_impl(Verb, Text, Text, int, Error&) {
}

void ResponseParser::on_response_impl(int status, Text, int, Error&) {
  response_.status = status;
}

void ResponseParser::on_field_impl(Field, Text name, Text value, Error&) {
  if (!header_done_) {  // and no trailer
    response_.headers.emplace_back(LowerCase({name.data(), name.size()}),
                                   std::string_view(value.data(), value.size()));
  }
}

void ResponseParser::on_header_impl(Error&) {
  header_done_ = true;
}

void ResponseParser::on_body_init_impl(const Length&, Error&) {
}

std::size_t ResponseParser::on_body_impl(Text body, Error& error) {
  if (!AppendCut(&response_, {body.data(), body.size()})) {
    cut_ = true;
    error = http::error::body_limit;
  }
  return body.size();
}

void ResponseParser::on_chunk_header_impl(std::uint64_t, Text, Error&) {
}

std::size_t ResponseParser::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

void ResponseParser::on_finish_impl(Error&) {
}

bool AppendCut(channels::HttpResponse* response, std::string_view data) {
  const size_t room = transport_limits::kAnswerBytesMax - response->body.size();
  response->body.append(data.substr(0, room));
  return data.size() <= room;
}

}  // namespace huitou
