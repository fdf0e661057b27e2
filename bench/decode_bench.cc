// What one event costs before the engine sees it. Budget: 700 ns for the 355-byte order.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "daemon/decode/encode_event.h"
#include "daemon/decode/event_decoder.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

constexpr std::string_view kOrder =
    R"({"id":"e123456","type":"order.paid","time":"2026-03-11T00:03:12Z","customer":{"id":"c00012345",)"
    R"("phone":"+8613800012345","email":"c00012345@example.com","locale":"zh-CN",)"
    R"("timezone":"Asia/Shanghai","region":"Zhejiang"},"order":{"id":"o123456","currency":"CNY",)"
    R"("total":"259.00","items":[{"sku":"s00001","category":"women.clothing","quantity":1,)"
    R"("price":"259.00"}]}})";
constexpr std::string_view kReview =
    R"({"id":"e2","type":"review.posted","time":"2026-11-15T12:00:00Z","customer":{"id":"c1"},)"
    R"("review":{"id":"r1","order_id":"o1","sku":"s1","rating":5,"text":"so good","verified":true}})";
constexpr std::string_view kWithAttributes =
    R"({"id":"e1","type":"order.placed","time":"2016-09-04T21:15:19Z","customer":{"id":"c1",)"
    R"("name":"Anna"},"order":{"id":"o1","currency":"BRL","total":"136.23","items":[{"sku":"s1",)"
    R"("category":"furniture_decor","quantity":1,"price":"39.99"},{"sku":"s2","category":)"
    R"("furniture_decor","quantity":1,"price":"32.90"}],"freight":"63.34","status":"shipped"}})";

Currency Cny() {
  return Currency::Parse("CNY").value_or(Currency());
}

void DecodeText(benchmark::State& state, std::string_view text, bool is_padded, bool keep) {
  std::string padded(text);
  padded.append(kJsonPaddingBytes, ' ');
  const std::string_view json(padded.data(), text.size());
  EventDecoder decoder;
  Event event;
  std::string detail;
  const DecodeOptions options = {.currency = Cny(), .keep_attributes = keep};
  for (auto _ : state) {
    const EventError error = is_padded ? decoder.DecodePadded(json, options, &event, &detail)
                                       : decoder.Decode(json, options, &event, &detail);
    CHECK(error == EventError::kNone);
    benchmark::DoNotOptimize(event);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK_CAPTURE(DecodeText, order, kOrder, false, true);
BENCHMARK_CAPTURE(DecodeText, order_padded, kOrder, true, true);
BENCHMARK_CAPTURE(DecodeText, review_padded, kReview, true, true);
BENCHMARK_CAPTURE(DecodeText, attributes_padded, kWithAttributes, true, true);
BENCHMARK_CAPTURE(DecodeText, attributes_dropped, kWithAttributes, true, false);

void Encode(benchmark::State& state) {
  EventDecoder decoder;
  Event event;
  std::string detail;
  CHECK(decoder.Decode(kOrder, {Cny()}, &event, &detail) == EventError::kNone);
  std::string out;
  for (auto _ : state) {
    out.clear();
    EncodeEvent(event, Cny(), &out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(Encode);

void Own(benchmark::State& state) {
  EventDecoder decoder;
  Event event;
  std::string detail;
  CHECK(decoder.Decode(kOrder, {Cny()}, &event, &detail) == EventError::kNone);
  for (auto _ : state) {
    const OwnedEvent owned(event);
    const Event* view = &owned.event();
    benchmark::DoNotOptimize(view);
  }
}
BENCHMARK(Own);

}  // namespace
}  // namespace huitou
