// Who waits in the lobby, and who has to go.
#include "daemon/http/lobby.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string_view>

#include "daemon/http/connection.h"

namespace huitou::http {
namespace {

class Client {
 public:
  Client() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~Client() { close(ends_[0]); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::shared_ptr<Connection> ServersEnd() const {
    return std::make_shared<Connection>(ends_[1], nullptr);
  }
  void Say(std::string_view text) const {
    EXPECT_EQ(write(ends_[0], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Waits until the server closes.
  void AwaitEnd() const {
    char byte = 0;
    EXPECT_EQ(read(ends_[0], &byte, 1), 0);
  }

 private:
  int ends_[2];
};

TEST(Lobby, LetsOnWhoHasSentAHeadAndClosesWhoWaitsLongestWhenItIsFull) {
  std::promise<std::shared_ptr<Connection>> ready;
  Lobby lobby(2, [&](std::shared_ptr<Connection> connection) { ready.set_value(connection); });
  const Client first;
  const Client second;
  const Client third;
  for (const Client* client : {&first, &second, &third}) {
    client->Say("GET / HTTP/1.1\r\n");
    lobby.Enter(client->ServersEnd(), kDayUs);
  }
  first.AwaitEnd();
  second.Say("Host: h\r\n\r\n");
  const std::shared_ptr<Connection> connection = ready.get_future().get();
  connection->Expect(kSecondUs, 100);
  char data[100];
  const long count = connection->Read(data, sizeof data);
  EXPECT_EQ(std::string_view(data, static_cast<size_t>(count)),
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(Lobby, ClosesWhoTakesTooLong) {
  Lobby lobby(2, [](const std::shared_ptr<Connection>&) {});
  const Client client;
  lobby.Enter(client.ServersEnd(), 1000);
  client.AwaitEnd();
}

TEST(Lobby, EndsWithGuests) {
  const Client client;
  Lobby lobby(2, [](const std::shared_ptr<Connection>&) {});
  lobby.Enter(client.ServersEnd(), kDayUs);
}

}  // namespace
}  // namespace huitou::http
