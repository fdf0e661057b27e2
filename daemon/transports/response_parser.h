// One answer of HTTP/1.1, from the bytes as they come, by Boost.Beast's parser: interim answers
// left out, the body cut at limits::kAnswerBytesMax.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <string_view>

#include "channels/channel.h"

namespace huitou {

class ResponseParser final : public boost::beast::http::basic_parser<false> {
 public:
  ResponseParser();

  // More than anybody reads has come: `response` is the answer, the connection is of no more use.
  bool cut() const { return cut_; }
  // It was an interim answer (1xx): the next one comes behind it, for another parser.
  bool interim() const {
    return response_.status >= 100 && response_.status < 200 && response_.status != 101;
  }
  channels::HttpResponse& response() { return response_; }

 private:
  using Text = boost::beast::string_view;
  using Error = boost::beast::error_code;
  using Length = boost::optional<std::uint64_t>;
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;

  void on_request_impl(Verb verb, Text method, Text target, int version, Error& error) override;
  void on_response_impl(int status, Text reason, int version, Error& error) override;
  void on_field_impl(Field field, Text name, Text value, Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const Length& length, Error& error) override;
  std::size_t on_body_impl(Text body, Error& error) override;
  void on_chunk_header_impl(std::uint64_t size, Text extensions, Error& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, Text body, Error& error) override;
  void on_finish_impl(Error& error) override;

  channels::HttpResponse response_;
  bool header_done_ = false;
  bool cut_ = false;
};

// Appends what there is room for; false when some was left out.
bool AppendCut(channels::HttpResponse* response, std::string_view data);

}  // namespace huitou
