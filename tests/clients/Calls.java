// java.net.http.HttpClient as it is by default, which offers HTTP/2 in the head of each request: calls
// over connections that it keeps. None may fail, and none may be tried a second time.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

class Calls {
    public static void main(String[] args) throws Exception {
        URI url = URI.create(args[0]);
        int calls = Integer.parseInt(args[1]);
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest read = HttpRequest.newBuilder(url.resolve("/status")).build();
        int failed = 0;
        String last = "";
        for (int call = 0; call < calls; call++) {
            String body = "{\"jsonrpc\":\"2.0\",\"id\":" + call + ",\"method\":\"eth_chainId\"}";
            HttpRequest asked = call % 3 == 0 ? read : HttpRequest.newBuilder(url.resolve("/"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
            try {
                HttpResponse<String> answer = client.send(asked, BodyHandlers.ofString());
                boolean isGood = answer.statusCode() == 200
                    && (asked == read || answer.body().contains("\"id\":" + call + ","));
                if (!isGood) throw new Exception(answer.statusCode() + " " + answer.body());
            } catch (Exception error) {
                failed++;
                last = error.toString();
            }
        }
        System.out.println(calls + " calls, " + failed + " failed " + last);
        System.exit(failed == 0 ? 0 : 1);
    }
}
